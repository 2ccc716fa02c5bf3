"""The history of an artifact: the same output of the same step over the past runs or days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ...errors import StoreError, UnknownRecord
from ...viewers import HistoryViewer, Moment, history_viewers_for, load_history_viewers
from ...viewers.moments import moments_of
from ..artifact_head import head, opened_of
from ..drawn import drawn
from ..site import page, site_of

MOST = 200
"""Runs of one picture."""
RUNS = (10, 30, 100)
DAYS = (1, 7, 30)

router = APIRouter()


@router.get("/artifacts/{artifact_id}/history")
def artifact_history(
    request: Request,
    artifact_id: int,
    runs: Annotated[int | None, Query(ge=1, le=MOST)] = None,
    days: Annotated[int | None, Query(ge=1, le=3650)] = None,
    viewer: str = "",
) -> Response:
    """Show what the artifact was over the newest runs, or over those of the past days.

    viewer: name of a history viewer; the best one if empty.
    """
    store = site_of(request).store
    artifact = opened_of(request, artifact_id).artifact
    viewers = history_viewers_for(artifact)
    chosen = _chosen(viewers, viewer)
    count = runs or (MOST if days else RUNS[0])
    since = datetime.now(UTC) - timedelta(days=days) if days else None
    moments = moments_of(store, artifact, runs_at_most=count, since=since)
    blocks, error = drawn(lambda: chosen.view(moments))
    damaged: list[int] = []
    if isinstance(error, StoreError):
        moments, damaged = _without_damaged(moments)
        blocks, error = drawn(lambda: chosen.view(moments))
    return page(
        request,
        "artifact_history.html",
        **head(request, artifact, "history"),
        viewers=viewers,
        broken=load_history_viewers().broken,
        chosen=chosen,
        blocks=blocks,
        error=error,
        damaged=damaged,
        moments=moments,
        given=sum(1 for moment in moments if moment.artifact),
        runs=count if not days else None,
        days=days,
        choices=(RUNS, DAYS),
    )


def _chosen(viewers: Sequence[HistoryViewer], name: str) -> HistoryViewer:
    for viewer in viewers:
        if viewer.name == name or not name:
            return viewer
    raise UnknownRecord(
        f"no history viewer {name!r} suits this artifact",
        why=f"those that do are {', '.join(one.name for one in viewers)}",
    )


def _without_damaged(moments: Sequence[Moment]) -> tuple[list[Moment], list[int]]:
    """Return the moments with those values left out that cannot be read, and the runs of these."""
    kept: list[Moment] = []
    damaged: list[int] = []
    for moment in moments:
        try:
            if moment.artifact is not None:
                moment.opened.path  # noqa: B018 - raises where the bytes are damaged
            kept.append(moment)
        except StoreError:
            kept.append(replace(moment, artifact=None))
            damaged.append(moment.run)
    return kept, damaged
