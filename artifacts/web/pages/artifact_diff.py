"""What differs between two artifacts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from ...errors import UnknownRecord
from ...viewers.differences import difference
from ..artifact_head import head, opened_of
from ..drawn import drawn
from ..site import page

router = APIRouter()


@router.get("/artifacts/{artifact_id}/diff")
def choose(artifact_id: int, other: Annotated[str, Query(alias="with")] = "") -> Response:
    """Lead to the comparison with the artifact whose number a form sends."""
    number = other.strip().removeprefix("#")
    if not number.isdecimal():
        raise UnknownRecord(f"{other!r} is not the number of an artifact", fix="take one from the list of artifacts")
    return RedirectResponse(f"/artifacts/{artifact_id}/diff/{number}", 303)


@router.get("/artifacts/{first_id}/diff/{second_id}")
def diff(request: Request, first_id: int, second_id: int, key: Annotated[list[str] | None, Query()] = None) -> Response:
    """Show what differs from the first to the second artifact. key: columns that name the rows of tables."""
    first, second = opened_of(request, first_id), opened_of(request, second_id)
    blocks, error = drawn(lambda: difference(first, second, key or ()))
    return page(
        request,
        "artifact_diff.html",
        **head(request, second.artifact, "diff"),
        other=first.artifact,
        blocks=blocks,
        error=error,
    )
