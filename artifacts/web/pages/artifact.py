"""The page of one artifact: what is in it, the facts, and where it stands in its lineage."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ...errors import StoreError, UnknownRecord
from ...viewers import Viewer, load_viewers, viewers_for
from ...viewers.opened import Opened
from ..artifact_head import head, opened_of
from ..drawn import Drawn, drawn
from ..lineage_picture import lineage_picture
from ..site import page, site_of
from ..table_page import TablePage, table_page
from ..text_pages import text_page
from ..text_search import Place, find_in_text

DEEPEST = 8

router = APIRouter()


@router.get("/artifacts/{artifact_id}")
def artifact(
    request: Request,
    artifact_id: int,
    viewer: str = "",
    depth: Annotated[int, Query(ge=1, le=DEEPEST)] = 2,
    sort: str = "",
    at: Annotated[int | None, Query(ge=0)] = None,
    find: Annotated[str, Query(max_length=200)] = "",
    byte: Annotated[int, Query(ge=0)] = 0,
    lines: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Show an artifact.

    viewer: name of a viewer, the best one if empty; depth: of the lineage; sort, at: of its table, or at: of its text.
    find: words to be found in its text, from a byte on that has so many lines before it; where `at` is given too, that
    page is shown with the words marked.
    """
    opened = opened_of(request, artifact_id)
    viewers = viewers_for(opened.artifact)
    chosen = chosen_viewer(opened, viewer)
    blocks, error = drawn(lambda: chosen.view(opened))
    rows, text, found = None, None, None
    if error is None:
        try:
            rows = table_page(opened, sort, at or 0) if _has(blocks, "StoredTable") else None
            if _has(blocks, "StoredText"):
                text = text_page(opened.path, at or 0, _is_log(opened))
                found = find_in_text(opened.path, find, Place(byte, lines)) if find and at is None else None
        except StoreError as damaged:
            error, blocks = damaged, []
    return page(
        request,
        "artifact.html",
        **head(request, opened.artifact, "view"),
        viewers=viewers,
        broken=load_viewers().broken,
        chosen=chosen,
        blocks=blocks,
        error=error,
        rows=rows,
        text=text,
        find=find,
        found=found,
        checked=_checked(opened, error is None),
        picture=lineage_picture(site_of(request).store.records, opened.artifact, depth),
        depth=depth,
        deepest=DEEPEST,
    )


@router.get("/artifacts/{artifact_id}/rows")
def rows(request: Request, artifact_id: int, sort: str = "", at: Annotated[int, Query(ge=0)] = 0) -> Response:
    """Return a page of the artifact's table, as a part of its page."""
    opened = opened_of(request, artifact_id)
    shown: TablePage = table_page(_table(opened), sort, at)
    return page(request, "artifact_rows.html", artifact=opened.artifact, rows=shown)


@router.get("/artifacts/{artifact_id}/columns")
def columns(request: Request, artifact_id: int) -> Response:
    """Return the figures of the columns of the artifact's table, as a part of its page."""
    from ...viewers.column_figures import column_figures

    opened = opened_of(request, artifact_id)
    return page(request, "artifact_columns.html", figures=column_figures(_table(opened)))


def chosen_viewer(opened: Opened, name: str) -> Viewer:
    """Return the viewer of this name, or the best one for an empty name. Raises UnknownRecord."""
    viewers = viewers_for(opened.artifact)
    if not name:
        return viewers[0]
    for viewer in viewers:
        if viewer.name == name:
            return viewer
    raise UnknownRecord(
        f"no viewer {name!r} suits this artifact", why=f"those that do are {', '.join(one.name for one in viewers)}"
    )


def _is_log(opened: Opened) -> bool:
    names = (opened.artifact.name, str(opened.artifact.summary.get("file", "")))
    return any(name == "log" or name.endswith((".log", "_log")) for name in names)


def _table(opened: Opened) -> Opened:
    if opened.artifact.kind != "table":
        raise UnknownRecord(f"artifact {opened.artifact.id} is no table", why=f"it is of kind {opened.artifact.kind}")
    return opened


def _has(blocks: list[Drawn], what: str) -> bool:
    return any(block.what == what for block in blocks)


def _checked(opened: Opened, shown: bool) -> bool:
    """Say whether every byte of the artifact has its digest."""
    try:
        return shown and opened.path.exists()
    except StoreError:
        return False
