"""Runs: the list, filtered and paged, and runs side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from ...errors import UnknownRecord
from ...records import STATES, State
from ...records.listing import RunFilter
from ..comparison import compared
from ..navigation import Entry
from ..run_rows import rows_of
from ..site import Id, page, site_of

router = APIRouter()
NAVIGATION = Entry("Runs", "/runs", 10)

PAGE = 50
MOST_COMPARED = 12
SHOWN_STATES: tuple[State, ...] = ("running", "held", "failed", "completed", "cancelled")


@router.get("/runs")
def runs(
    request: Request,
    workflow: str = "",
    state: Annotated[list[str] | None, Query()] = None,
    tag: str = "",
    text: str = "",
    metric: str = "",
    before: Id | None = None,
    after: Id | None = None,
) -> Response:
    """Show the runs, newest first."""
    if re.fullmatch(r"\s*#?[0-9]{1,18}\s*", text) and not (workflow or state or tag):
        return RedirectResponse(f"/runs/{text.strip().lstrip('#')}", 303)
    site = site_of(request)
    states: tuple[State, ...] = tuple(one for one in STATES if one in (state or ()))
    wanted = RunFilter(workflow, states, tag.strip(), text.strip())
    listed = site.store.records.list_runs(wanted, before=before, after=after, limit=PAGE + 1)
    more = len(listed) > PAGE
    listed = (listed[1:] if after is not None else listed[:PAGE]) if more else listed
    rows, metrics = rows_of(site, listed, metric)
    filters = {"workflow": workflow, "state": list(states), "tag": tag, "text": text, "metric": metric}
    is_last, is_first = not more and after is None, before is None and not (more and after is not None)
    shown = [(one, _url({**filters, "state": [] if one in states else [one]}), one in states) for one in SHOWN_STATES]
    return page(
        request,
        "runs.html",
        rows=rows,
        metrics=metrics,
        workflows=site.store.records.workflow_names(),
        states=shown,
        filters=filters,
        is_filtered=bool(workflow or states or tag or text),
        everything=_url({**filters, "state": []}),
        newer=_url(filters, after=listed[0].id) if listed and not is_first else None,
        older=_url(filters, before=listed[-1].id) if listed and not is_last else None,
    )


@router.get("/runs/compare")
def compare(request: Request, run: Annotated[list[Id] | None, Query()] = None) -> Response:
    """Show settings and metrics of some runs side by side, what differs first."""
    chosen = list(dict.fromkeys(run or ()))[:MOST_COMPARED]
    if len(chosen) < 2:
        raise UnknownRecord(
            "there is nothing to compare",
            why=f"{len(chosen) or 'no'} run{'s are' if not chosen else ' is'} chosen",
            fix="choose two runs or more in the list of runs, and press Compare",
        )
    return page(request, "compare.html", comparison=compared(site_of(request), chosen))


def _url(filters: Mapping[str, object], **edge: int) -> str:
    given = {name: value for name, value in {**filters, **edge}.items() if value}
    return f"/runs?{urlencode(given, doseq=True)}" if given else "/runs"
