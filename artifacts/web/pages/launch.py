"""Launch: choose a workflow, fill in its form, see what will run, and start it as a run, a sweep or on a schedule."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from ...errors import PrefectError, PrefectStopped
from ...home import kaon_home
from ...launching.deployments import scheduled
from ...launching.fields import Form, form_of
from ...launching.prefect_api import PrefectApi
from ...launching.reading import VALUE, Reading, read_form
from ...launching.starting import Executor, Started, executor_of, start_run, start_sweep, started, sweep_order
from ...records import RegisteredWorkflow
from ..navigation import Entry
from ..outlook import comparable, outlook_of
from ..site import Id, is_fragment, page, site_of

router = APIRouter()
NAVIGATION = Entry("Launch", "/launch", 30)


@router.get("/launch")
def workflows(request: Request) -> Response:
    """List the workflows that can be launched."""
    records = site_of(request).store.records
    known = []
    for one in records.registered_workflows():
        plan, last = json.loads(one.plan), next(iter(records.runs(one.name, limit=1)), None)
        known.append({"workflow": one, "doc": plan["doc"], "form": form_of(plan), "last": last})
    return page(request, "launch.html", known=known)


@router.get("/launch/started/{flow_run}")
def waiting(request: Request, flow_run: UUID, sweep: bool = False) -> Response:
    """Wait for the run of a flow run to begin, and go to it."""
    site = site_of(request)
    found = site.store.records.tagged("prefect.flow_run", str(flow_run))
    if found:
        target = f"/sweeps/{found[0].id}" if sweep else f"/runs/{found[0].id}"
        if is_fragment(request):
            return Response(status_code=200, headers={"HX-Redirect": target})
        return RedirectResponse(target, 303)
    begun = started(PrefectApi(site.prefect_url), str(flow_run))
    if begun is None:
        raise PrefectError("Prefect knows no such flow run", fix="look at Runs: it may have begun")
    template = "launch_waiting.html" if is_fragment(request) else "launch_started.html"
    return page(request, template, begun=begun, sweep=sweep, ended=begun.state in ("Failed", "Crashed", "Cancelled"))


@router.get("/launch/{name}")
def form(request: Request, name: str, settings: str = "", run: Id = 0) -> Response:
    """Show the form of a workflow; filled with settings as JSON by address, or with those of a run."""
    workflow, made = _known(request, name)
    given: dict[str, Any] = {}
    if run:
        given = dict(site_of(request).store.records.run(run).settings)
    if settings:
        given |= _given(settings)
    texts = _texts(made, given)
    return _shown(request, workflow, made, read_form(made, texts))


async def written(request: Request) -> dict[str, str]:
    """Return what a form holds, by the names of its fields."""
    given = (await request.form()).items()
    return {name: text.replace("\r\n", "\n") for name, text in given if isinstance(text, str)}


Written = Annotated[dict[str, str], Depends(written)]


@router.post("/launch/{name}/outlook")
def outlook(request: Request, name: str, texts: Written) -> Response:
    """Show what would come of the form as it stands."""
    workflow, made = _known(request, name)
    reading = read_form(made, texts)
    shown = outlook_of(site_of(request).store, workflow, made, reading)
    context = {"workflow": workflow, "form": made, "reading": reading, "outlook": shown}
    return page(request, "launch_outlook.html", **context, live=True)


@router.post("/launch/{name}")
def start(request: Request, name: str, texts: Written) -> Response:
    """Start what the form says; where it is wrong, show it again as it was written."""
    workflow, made = _known(request, name)
    reading = read_form(made, texts)
    schedules = texts.get("do") == "schedule"
    if schedules:
        _read_schedule(reading)
    if reading.wrong:
        return _shown(request, workflow, made, reading, 422)
    api, sweeps = PrefectApi(site_of(request).prefect_url), bool(reading.axes)
    try:
        if schedules:
            _schedule(api, workflow, made, reading)
            return RedirectResponse(f"/schedules?made={workflow.name}/{texts['schedule-name'].strip()}", 303)
        begun = _begin(api, workflow, made, reading)
    except PrefectStopped:
        raise
    except PrefectError as refused:
        if schedules and "cron" in refused.why.lower() + refused.problem.lower():
            reading.wrong["schedule-cron"] = "is no cron expression that Prefect takes, such as 0 3 * * *"
            return _shown(request, workflow, made, reading, 422)
        return _shown(request, workflow, made, reading, 422, refused)
    return RedirectResponse(f"/launch/started/{begun.flow_run}{'?sweep=true' if sweeps else ''}", 303)


def _begin(api: PrefectApi, workflow: RegisteredWorkflow, form: Form, reading: Reading) -> Started:
    if reading.axes:
        return start_sweep(api, workflow, _order(form, reading))
    return start_run(api, workflow, _nested(reading.changed(form)))


def _schedule(api: PrefectApi, workflow: RegisteredWorkflow, form: Form, reading: Reading) -> None:
    texts = reading.texts
    environment = {"KAON_SWEEP": json.dumps(_order(form, reading))} if reading.axes else {}
    scheduled(
        api,
        workflow,
        kaon_home(),
        name=texts["schedule-name"].strip(),
        cron=texts["schedule-cron"].strip(),
        timezone=texts.get("schedule-timezone", "").strip() or "UTC",
        parameters={} if reading.axes else _nested(reading.changed(form)),
        environment=environment,
    )


def _order(form: Form, reading: Reading) -> dict[str, Any]:
    better = {"minimize" if reading.less_is_better else "maximize": reading.compare}
    fixed = reading.changed(form)
    return sweep_order(fixed, reading.axes, sample=reading.sample, seed=reading.seed, **better)


def _read_schedule(reading: Reading) -> None:
    from zoneinfo import available_timezones

    name, cron = (reading.texts.get(f"schedule-{part}", "").strip() for part in ("name", "cron"))
    timezone = reading.texts.get("schedule-timezone", "").strip() or "UTC"
    if not name or name == "kaon" or not all(letter.isalnum() or letter in "-_ " for letter in name):
        reading.wrong["schedule-name"] = "needs a name of letters, digits, - and _, other than kaon"
    if len(cron.split()) != 5:
        reading.wrong["schedule-cron"] = "has five parts: minute, hour, day, month, day of the week; such as 0 3 * * *"
    if timezone not in available_timezones():
        reading.wrong["schedule-timezone"] = "is no time zone, such as UTC or Europe/Berlin"


def _nested(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as Prefect has them: those of a step as one object."""
    found: dict[str, Any] = {}
    for address, value in settings.items():
        step, _, name = address.partition(".")
        if name:
            found.setdefault(step, {})[name] = value
        else:
            found[address] = value
    return found


def _shown(
    request: Request,
    workflow: RegisteredWorkflow,
    form: Form,
    reading: Reading,
    status: int = 200,
    refused: PrefectError | None = None,
) -> Response:
    site = site_of(request)
    executor, down = Executor(True), None
    try:
        executor = executor_of(PrefectApi(site.prefect_url), workflow)
    except PrefectError as error:
        down = error
    return page(
        request,
        "launch_form.html",
        status,
        workflow=workflow,
        form=form,
        reading=reading,
        outlook=outlook_of(site.store, workflow, form, reading),
        comparable=comparable(site.store, workflow),
        executor=executor,
        down=down,
        refused=refused,
        first_wrong=next(iter(reading.wrong), "") if status == 422 else "",
        doc=json.loads(workflow.plan).get("doc", ""),
        live=False,
    )


def _known(request: Request, name: str) -> tuple[RegisteredWorkflow, Form]:
    workflow = site_of(request).store.records.registered_workflow(name)
    return workflow, form_of(json.loads(workflow.plan))


def _given(settings: str) -> dict[str, Any]:
    try:
        given = json.loads(settings)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _texts(form: Form, given: dict[str, Any]) -> dict[str, str]:
    """Return settings as they stand in the form."""
    texts = {}
    for name, one in form.fields.items():
        if one.address in given:
            value = given[one.address]
            for part in one.inner:
                value = value.get(part) if isinstance(value, dict) else None
            texts[VALUE + name] = one.text(value)
    return texts
