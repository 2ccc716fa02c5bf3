"""The list of artifacts, to be searched."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ...records.search import Wanted, kinds_and_workflows, search
from ..artifact_head import brief
from ..navigation import Entry
from ..site import page, site_of

NAVIGATION = Entry("Artifacts", "/artifacts", 20)
PAGE = 50

router = APIRouter()


@router.get("/artifacts")
def artifacts(
    request: Request, name: str = "", kind: str = "", workflow: str = "", run: str = "", before: int | None = None
) -> Response:
    """List artifacts by name, kind, workflow and run, the newest first."""
    database = site_of(request).store.records.database
    number = int(run) if run.isdecimal() else None
    wanted = Wanted(name.strip(), kind, workflow, number)
    found = search(database, wanted, before=before, limit=PAGE + 1)
    kinds, workflows = kinds_and_workflows(database)
    asked = {"name": name, "kind": kind, "workflow": workflow, "run": run}
    kept = {key: value for key, value in asked.items() if value}
    older = None
    if len(found) > PAGE:
        older = f"/artifacts?{urlencode({**kept, 'before': found[PAGE - 1].id})}"
    return page(
        request,
        "artifacts.html",
        artifacts=found[:PAGE],
        brief=brief,
        kinds=kinds,
        workflows=workflows,
        asked=asked,
        wrong_run="This is no number of a run." if run and number is None else "",
        newest=f"/artifacts?{urlencode(kept)}" if before is not None else None,
        older=older,
        searched=bool(kept),
    )
