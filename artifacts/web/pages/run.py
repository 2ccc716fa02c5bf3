"""One run: its plan as a picture, what stands beside it, its log, and what can be asked of it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from ...launching.prefect_api import PrefectApi
from ...launching.starting import Executor, Started, base_of, continue_run, executor_of
from ...records import Message, RunRecord
from ..formats import last
from ..live_stream import live
from ..panel import Wanted, panel_of
from ..run_stream import RunStream
from ..site import Id, Site, is_fragment, page, site_of
from ..watched import RunView

router = APIRouter()

DOWNLOADED = 2000
"""Log lines that are read at once."""


def wanted(at: str = "", step: Id = 0, state: str = "", after: Id = 0, text: str = "", before: Id = 0) -> Wanted:
    """Return what the address asks for."""
    return Wanted(at, step, state, after, text, before)


Asked = Annotated[Wanted, Depends(wanted)]


@router.get("/runs/{run_id:int}")
def run(request: Request, run_id: Id, asked: Asked, waits: str = "") -> Response:
    """Show the run; where htmx asks for the panel, only that."""
    site = site_of(request)
    view = site.watched.view(run_id)
    last = site.store.records.last_message(run_id)
    panel = panel_of(site, view, asked)
    template = "run_beside.html" if is_fragment(request) else "run.html"
    waiting = _waiting(site, view, waits)
    answer = page(request, template, view=view, run=view.run, panel=panel, last=last, waiting=waiting)
    if is_fragment(request):
        answer.headers["HX-Push-Url"] = asked.url(run_id)
    return answer


@router.get("/runs/{run_id:int}/events")
def run_events(
    request: Request,
    run_id: Id,
    asked: Asked,
    last: Id = 0,
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """Send what changes on the page, as long as somebody looks at it."""
    site = site_of(request)
    site.watched.view(run_id)  # refuses what there is not, before anything is sent
    known = int(last_event_id) if last_event_id.isdecimal() else last
    stream = RunStream(site, run_id, asked, known)
    sent = live(stream.update, request.app.state.stopping)
    return StreamingResponse(sent, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.get("/runs/{run_id:int}/log.txt")
def log(request: Request, run_id: Id, step: Id = 0) -> Response:
    """Give the whole log of the run, or of one of its steps, to be kept as a file."""
    site = site_of(request)
    record = site.store.records.run(run_id)
    name = f"{record.workflow}-{run_id}{f'-{step}' if step else ''}"
    safe = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
    headers = {"Content-Disposition": f'attachment; filename="{safe}.log"'}
    return StreamingResponse(_whole_log(site, run_id, step), media_type="text/plain; charset=utf-8", headers=headers)


@router.post("/runs/{run_id:int}/cancel")
def cancel(request: Request, run_id: Id) -> Response:
    """Ask that the run end. What runs may finish within its grace period; what finished is kept."""
    site = site_of(request)
    site.store.records.want(run_id, "cancelled")
    return _changed(site, run_id)


@router.post("/runs/{run_id:int}/retry")
def retry(request: Request, run_id: Id) -> Response:
    """Go on with a run through Prefect: what it finished is kept, what failed or never ran runs."""
    site = site_of(request)
    record = site.store.records.run(run_id)
    return _going_on(site, record, continue_run(PrefectApi(site.prefect_url), site.store, record))


@router.post("/runs/{run_id:int}/approve")
def approve(request: Request, run_id: Id) -> Response:
    """Say yes to what the run asks, and go on with it through Prefect."""
    site = site_of(request)
    record = site.store.records.run(run_id)
    api = PrefectApi(site.prefect_url)
    executor_of(api, site.store.records.registered_workflow(base_of(record)))  # refuses before anything is recorded
    site.store.records.decide(run_id, True, getpass.getuser())
    return _going_on(site, record, continue_run(api, site.store, record) if record.state == "held" else None)


@router.post("/runs/{run_id:int}/reject")
def reject(request: Request, run_id: Id) -> Response:
    """Say no to what the run asks, and end it."""
    site = site_of(request)
    site.store.records.decide(run_id, False, getpass.getuser())
    site.store.records.want(run_id, "cancelled")
    return _changed(site, run_id)


def _going_on(site: Site, run: RunRecord, started: Started | None) -> Response:
    """Return to the run's page, which tells how the process that goes on with it stands until it has begun."""
    site.watched.forget(run.id)
    return RedirectResponse(f"/runs/{run.id}{f'?waits={started.flow_run}' if started else ''}", 303)


def _waiting(site: Site, view: RunView, flow_run: str) -> Executor | None:
    """Return who is to go on with a run that was asked to; None once it has begun, or nobody can tell."""
    if not flow_run or view.run.tags.get("prefect.flow_run") == flow_run:
        return None
    return executor_of(PrefectApi(site.prefect_url), site.store.records.registered_workflow(base_of(view.run)))


def _changed(site: Site, run_id: int) -> Response:
    site.watched.forget(run_id)
    return RedirectResponse(f"/runs/{run_id}", 303)


def _whole_log(site: Site, run_id: int, step: int) -> Iterator[str]:
    newest = 0
    while lines := site.store.records.log(run_id, step or None, after=newest, limit=DOWNLOADED):
        newest = lines[-1].id
        yield "".join(_line(line, named=not step) for line in lines)


def _line(message: Message, *, named: bool) -> str:
    """Return a line of the file; named: with the step that said it."""
    time, items = message.time.isoformat(timespec="milliseconds"), ", ".join(f"{n}={v}" for n, v in message.keys)
    step = f"{last(message.path)}{f' [{items}]' if items else ''}: " if named and message.path else ""
    return f"{time} {message.level.upper():7} {step}{message.text}\n"
