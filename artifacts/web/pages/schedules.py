"""Schedules: what runs by itself, when next, paused or run at once."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from ...errors import PrefectError
from ...launching.deployments import Deployment, deployments, removed, set_paused
from ...launching.prefect_api import PrefectApi
from ...launching.starting import run_deployment
from ..navigation import Entry
from ..site import page, site_of

router = APIRouter()
NAVIGATION = Entry("Schedules", "/schedules", 50)


@router.get("/schedules")
def schedules(request: Request, made: str = "") -> Response:
    """List the deployments with their next times. Raises PrefectStopped."""
    site = site_of(request)
    api = PrefectApi(site.prefect_url)
    found = deployments(api)
    last = {one.id: next(iter(site.store.records.tagged("prefect.deployment", one.id)), None) for one in found}
    return page(request, "schedules.html", deployments=found, last=last, made=made, prefect=api.ui)


@router.post("/schedules/{deployment}/pause")
def pause(request: Request, deployment: UUID) -> Response:
    """Let a schedule rest."""
    return _paused(request, deployment, paused=True)


@router.post("/schedules/{deployment}/resume")
def resume(request: Request, deployment: UUID) -> Response:
    """Let a schedule go on."""
    return _paused(request, deployment, paused=False)


@router.post("/schedules/{deployment}/run")
def run_now(request: Request, deployment: UUID) -> Response:
    """Start a run of a deployment now."""
    api = PrefectApi(site_of(request).prefect_url)
    known = _known(api, deployment)
    begun = run_deployment(api, known.id)
    return RedirectResponse(f"/launch/started/{begun.flow_run}{'?sweep=true' if known.sweeps else ''}", 303)


@router.post("/schedules/{deployment}/remove")
def remove(request: Request, deployment: UUID) -> Response:
    """Remove a schedule that was made in the form."""
    api = PrefectApi(site_of(request).prefect_url)
    known = _known(api, deployment)
    if not known.made_here:
        raise PrefectError(
            f"{known.full_name} was not scheduled here",
            why="`kaon deploy` made it, from what the workflow's code says",
            fix=f"pause it, or say: prefect deployment delete {known.full_name}",
        )
    removed(api, known.id)
    return RedirectResponse("/schedules", 303)


def _paused(request: Request, deployment: UUID, *, paused: bool) -> Response:
    api = PrefectApi(site_of(request).prefect_url)
    set_paused(api, _known(api, deployment).id, paused=paused)
    return RedirectResponse("/schedules", 303)


def _known(api: PrefectApi, deployment: UUID) -> Deployment:
    """Return one of Kaon's deployments: no other is changed from here. Raises PrefectError."""
    found = next((one for one in deployments(api) if one.id == str(deployment)), None)
    if found is None:
        raise PrefectError("there is no such deployment of Kaon's", why="somebody has removed it", fix="/schedules")
    return found
