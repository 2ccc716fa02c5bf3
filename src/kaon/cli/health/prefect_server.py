"""The Prefect server that runs would use: whether it answers, fits, and does what Kaon wants of it."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .finding import Finding, ok, trouble, warning

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

    from kaon.artifacts import Store

HEARTBEAT = "prefect.flow-run.heartbeat"
RECORDER = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER"
TRIGGERS = "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED"
TRIED_BATCH = 100


def look_at_server(home: Path, store: "Store") -> Iterator[Finding]:
    """Yield how the server is, after making what is missing of Kaon's automations there."""
    from kaon.dsl.backends.prefect.own_server import running
    from kaon.dsl.backends.prefect.server import PrefectServerError, check_answers, talking_to

    given = os.environ.get("PREFECT_API_URL")
    own = None if given else running(home / "prefect")
    url = given or (own.url if own else "")
    if not url:
        yield ok("Prefect server", "address", "none is up: each run starts one for itself; `kaon up` keeps one")
        return
    try:
        check_answers(url)
    except PrefectServerError as error:
        fix = "start that server, or unset PREFECT_API_URL: a run then starts a server of its own"
        yield trouble("Prefect server", "address", f"none answers at {url}", why=_why(error), fix=fix)
        return
    yield ok("Prefect server", "address", f"{url}, {'named by PREFECT_API_URL' if given else 'of this home'}")
    yield from _asked(talking_to(url, None if given else home / "prefect"), store)


def version_fits(server: str, client: str) -> Finding:
    """Compare the server's version with the one that is installed here."""
    if server == client:
        return ok("Prefect server", "version", server)
    found = f"the server is {server}, and {client} is installed here"
    fix = f"run the server with prefect=={client}, or pip install prefect=={server}"
    if server.split(".")[:2] == client.split(".")[:2]:
        return warning("Prefect server", "version", found, why="they were not tried together", fix=fix)
    why = "Prefect promises nothing between these versions"
    return trouble("Prefect server", "version", found, why=why, fix=fix)


def settings_fit(settings: dict[str, Any]) -> Iterator[Finding]:
    """Look at the settings that decide whether a run is shown whole, as `GET /admin/settings` gives them."""
    services = settings["server"]["services"]
    recorder, triggers = services["task_run_recorder"], services["triggers"]
    if not recorder["enabled"]:
        why = "no task run is ever shown; Kaon's own records are whole"
        yield trouble(
            "Prefect server", "recorder", "is off", why=why, fix=f"start the server with {RECORDER}_ENABLED=true"
        )
    elif recorder["batch_size"] < TRIED_BATCH:
        yield warning(
            "Prefect server",
            "recorder",
            f"writes {recorder['batch_size']} task runs at a time",
            why="it writes 35 to 60 task runs a second so, and drops what comes faster; Kaon's own records are whole",
            fix=f"set {RECORDER}_BATCH_SIZE={TRIED_BATCH} and {RECORDER}_FLUSH_INTERVAL=1 for the server",
        )
    else:
        yield ok("Prefect server", "recorder", f"writes up to {recorder['batch_size']} task runs at a time")
    if not triggers["enabled"]:
        why = "no automation ever acts: dead runs stay running in Prefect's view"
        yield trouble("Prefect server", "triggers", "are off", why=why, fix=f"set {TRIGGERS}=true for the server")


def awaits_heartbeats(trigger: dict[str, Any]) -> bool:
    """Say whether an automation's trigger acts when a flow run sends no heartbeat, as Kaon's never do."""
    inner = any(awaits_heartbeats(part) for part in trigger.get("triggers", ()))
    return inner or (trigger.get("posture") == "Proactive" and HEARTBEAT in (trigger.get("expect") or ()))


def _asked(talking: AbstractContextManager[None], store: "Store") -> Iterator[Finding]:
    from httpx import HTTPError, HTTPStatusError

    try:
        with talking:
            import prefect
            from prefect.client.orchestration import get_client

            with get_client(sync_client=True) as client:
                yield version_fits(client.api_version(), prefect.__version__)
                yield from settings_fit(client.request("GET", "/admin/settings").raise_for_status().json())
                yield from _automations(client, store)
    except HTTPError as error:
        refused = isinstance(error, HTTPStatusError) and error.response.status_code in (401, 403)
        fix = "set PREFECT_API_AUTH_STRING or PREFECT_API_KEY as the server wants" if refused else "look at its log"
        yield trouble("Prefect server", "answers", "it refuses what Kaon asks", why=str(error), fix=fix)


def _automations(client: "SyncPrefectClient", store: "Store") -> Iterator[Finding]:
    from kaon.dsl.backends.prefect.automations import DEAD_RUNS, ensure_automations
    from kaon.dsl.backends.prefect.dead_runs import close_dead_runs

    made = ensure_automations(client)
    yield ok("Prefect server", "automations", "; ".join(made) or f"{DEAD_RUNS!r} is there")
    for known in client.read_automations():
        if known.enabled and awaits_heartbeats(known.model_dump(mode="json")["trigger"]):
            yield warning(
                "Prefect server",
                "automations",
                f"{known.name!r} waits for heartbeats",
                why="Kaon's runs send none, so it marks runs that live; Kaon's own automation asks the records instead",
                fix="limit it to other flows by a tag, or disable it",
            )
    closed = close_dead_runs(client, store)
    yield ok("Prefect server", "dead runs", "; ".join(closed) or "none is shown as running")


def _why(error: Exception) -> str:
    lines = str(error).splitlines()
    return next((line.partition("why:")[2].strip() for line in lines if "why:" in line), str(error))
