"""Bytes of artifacts: to be downloaded, and those that a page frames or draws. None is ever a page of ours."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response, StreamingResponse

from ...digest import CHUNK
from ...errors import UnknownRecord
from ...viewers.blocks import Page, Picture
from ...viewers.directory import file_of
from ..artifact_head import opened_of
from ..downloads import FORMS, OTHER, attachment, file_name, safe_name
from ..security.headers import SANDBOXED
from .artifact import chosen_viewer

router = APIRouter()


@router.get("/artifacts/{artifact_id}/download")
def download(request: Request, artifact_id: int) -> Response:
    """Return the artifact's bytes, checked, as a file."""
    opened = opened_of(request, artifact_id)
    media_type = FORMS.get(opened.artifact.kind, OTHER)[1]
    return FileResponse(opened.path, media_type=media_type, headers=attachment(file_name(opened.artifact)))


@router.get("/artifacts/{artifact_id}/files/{path:path}")
def file(request: Request, artifact_id: int, path: str) -> Response:
    """Return one file of a stored folder. What is no file that its archive lists is not found."""
    opened = opened_of(request, artifact_id)
    if opened.artifact.kind != "directory":
        raise UnknownRecord(f"artifact {artifact_id} is no folder")
    inside = file_of(opened, path)
    content, size = inside.__enter__()

    def chunks() -> Iterator[bytes]:
        try:
            while chunk := content.read(CHUNK):
                yield chunk
        finally:
            inside.__exit__(None, None, None)

    headers = {**attachment(safe_name(path)), "Content-Length": str(size)}
    return StreamingResponse(chunks(), media_type="application/octet-stream", headers=headers)


@router.get("/artifacts/{artifact_id}/blocks/{place}")
def block(request: Request, artifact_id: int, place: int, viewer: str = "") -> Response:
    """Return a page of HTML or a picture that a view holds, in a sandbox of its own."""
    opened = opened_of(request, artifact_id)
    blocks = list(chosen_viewer(opened, viewer).view(opened))
    shown = blocks[place] if 0 <= place < len(blocks) else None
    match shown:
        case Page():
            return Response(shown.html, media_type="text/html; charset=utf-8", headers=dict(SANDBOXED))
        case Picture():
            return Response(shown.content, media_type=shown.media_type, headers=dict(SANDBOXED))
    raise UnknownRecord(f"the view has no page and no picture at place {place}")
