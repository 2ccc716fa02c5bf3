"""What a Prefect server does by itself for Kaon: dead runs are marked, people are told, missed times run late."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.states import Completed, Failed, Running, Scheduled
from pydantic import BaseModel

from kaon.artifacts import Store, open_store
from kaon.dsl import Every, Workflow, step, workflow
from kaon.dsl.backends.prefect.automations import DEAD_RUNS, FAILED_RUNS, LATE_RUNS, ensure_automations
from kaon.dsl.backends.prefect.catch_up import catch_up
from kaon.dsl.backends.prefect.dead_runs import close_dead_runs
from kaon.dsl.backends.prefect.deployment import Wanted, deploy
from kaon.dsl.backends.prefect.notices import NotifyError
from kaon.dsl.schedule import CatchUp

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("server")]

PATIENCE = 120.0


class Params(BaseModel):
    as_of: datetime


@step(output="report")
def report_hour(as_of: datetime) -> str:
    return str(as_of)


def hourly(name: str, policy: CatchUp) -> Workflow:
    return workflow(name, report_hour, params=Params, schedule=Every(timedelta(hours=1), catch_up=policy))


@pytest.fixture
def client(server: Path) -> Iterator[SyncPrefectClient]:
    """A client of the module's server."""
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def listener() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The URL of a server that takes JSON, and what was posted there."""
    heard: list[dict[str, str]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    web = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{web.server_port}/kaon", heard
    web.shutdown()


def test_the_automations_are_made_once_and_mended_when_somebody_changed_them(client: SyncPrefectClient) -> None:
    ensure_automations(client)
    assert ensure_automations(client) == []
    (made,) = client.read_automations_by_name(DEAD_RUNS)
    client.pause_automation(made.id)

    mended = ensure_automations(client)

    assert mended == [
        f"mended the automation {DEAD_RUNS!r}: marks a run as crashed when Kaon's records show that its process is gone"
    ]
    (now,) = client.read_automations_by_name(DEAD_RUNS)
    assert now.enabled


def test_a_notification_block_that_is_not_there_is_refused_with_the_mend(client: SyncPrefectClient) -> None:
    with pytest.raises(NotifyError) as refused:
        ensure_automations(client, notify="slack-webhook/nobody")

    assert str(refused.value) == (
        "there is no notification block 'slack-webhook/nobody' on the Prefect server\n\n"
        "  why: KAON_NOTIFY is a URL that takes JSON by POST, or <block type>/<name> of one of Prefect's blocks\n"
        "  fix: make the block in Prefect's UI (Blocks), or give a URL: https://…"
    )


def test_a_deployed_run_that_fails_or_is_late_is_told(
    client: SyncPrefectClient, listener: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    url, heard = listener
    assert [line.partition(":")[0] for line in ensure_automations(client, notify=url)][:1] == [
        "made the block 'kaon-notify'"
    ]
    deployment = deployed(client, hourly("told_of", "none"), tmp_path)
    settled(client)

    failing = client.create_flow_run_from_deployment(deployment, parameters={"as_of": "2026-01-01T00:00:00Z"})
    client.set_flow_run_state(failing.id, Failed(message='it said "no"'), force=True)
    late = datetime.now(UTC) - timedelta(minutes=5)
    client.create_flow_run_from_deployment(
        deployment, parameters={"as_of": "2026-01-01T01:00:00Z"}, state=Scheduled(scheduled_time=late)
    )

    wait_until(lambda: {notice["state"] for notice in heard} >= {"Failed", "Late"}, lambda: heard)
    by_state = {notice["state"]: notice for notice in heard}
    assert by_state["Failed"]["text"] == 'told_of failed: it said "no"'
    assert by_state["Failed"]["flow_run"] == str(failing.id)
    assert by_state["Late"]["workflow"] == "told_of"
    assert "told_of is late: it should have begun at" in by_state["Late"]["text"]
    assert {automation.name for automation in client.read_automations()} >= {FAILED_RUNS, LATE_RUNS}


def test_a_run_whose_process_was_killed_is_marked_as_crashed_and_one_that_lives_is_left(
    client: SyncPrefectClient, tmp_path: Path
) -> None:
    store = open_store(tmp_path / "store")
    ensure_automations(client)
    settled(client)
    dead, living = (going_on(client, store, tmp_path, seconds) for seconds in (600, 601))
    os.kill(dead[1].pid, signal.SIGKILL)
    dead[1].wait()
    try:
        lines = close_dead_runs(client, store)

        assert [line.partition(" of ")[0] for line in lines] == [f"run {dead[2]}"]
        wait_until(
            lambda: client.read_flow_run(dead[0]).state_name == "Crashed", lambda: client.read_flow_run(dead[0]).state
        )
        assert client.read_flow_run(dead[0]).state.message == "its process died"  # type: ignore[union-attr]
        assert client.read_flow_run(living[0]).state_name == "Running"
    finally:
        living[1].kill()
        living[1].wait()


def test_a_run_that_ended_without_prefect_hearing_of_it_is_set_to_how_it_ended(
    client: SyncPrefectClient, tmp_path: Path
) -> None:
    store = open_store(tmp_path / "store")
    flow_run, process, run = going_on(client, store, tmp_path, 0)
    process.wait()

    lines = close_dead_runs(client, store, grace=timedelta(0))

    assert lines == [
        f"run {run} of killed had ended as completed: "
        f"so does Prefect's flow run {client.read_flow_run(flow_run).name!r} now"
    ]
    assert client.read_flow_run(flow_run).state_name == "Completed"


@pytest.mark.parametrize(("policy", "run", "dropped"), [("none", 0, 5), ("latest", 1, 4), ("all", 5, 0)])
def test_missed_times_run_late_as_the_schedule_says(
    client: SyncPrefectClient, tmp_path: Path, policy: CatchUp, run: int, dropped: int
) -> None:
    flow = hourly(f"missed_{policy}", policy)
    deployment = deployed(client, flow, tmp_path)
    later = datetime.now(UTC) + timedelta(hours=5)
    wait_until(lambda: len(scheduled(client, deployment, later)) == 3, lambda: scheduled(client, deployment, later))

    caught = catch_up(client, deployment, flow, later)

    assert (len(caught.made) + len(caught.kept), len(caught.dropped)) == (run, dropped)
    assert len(scheduled(client, deployment, later)) == run


def test_a_time_that_ran_is_not_missed_nor_are_those_before_it(client: SyncPrefectClient, tmp_path: Path) -> None:
    flow = hourly("ran_once", "all")
    deployment = deployed(client, flow, tmp_path)
    now = datetime.now(UTC)
    third = (now + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
    caught = catch_up(client, deployment, flow, third)
    for flow_run in client.get_scheduled_flow_runs_for_deployments([deployment], scheduled_before=third):
        client.set_flow_run_state(
            flow_run.id, Completed() if flow_run.expected_start_time == third else Running(), force=True
        )

    later = catch_up(client, deployment, flow, third + timedelta(hours=1))

    assert len(caught.made) + len(caught.kept) == 3
    assert (*later.made, *later.kept) == (third + timedelta(hours=1),)


def deployed(client: SyncPrefectClient, flow: Workflow, folder: Path) -> UUID:
    return deploy(client, Wanted(flow, "flows.py", str(folder), folder)).id


def scheduled(client: SyncPrefectClient, deployment: UUID, until: datetime) -> set[Any]:
    """Return the times until then for which a flow run waits: the scheduler makes three ahead."""
    waiting = client.get_scheduled_flow_runs_for_deployments([deployment], scheduled_before=until)
    return {flow_run.expected_start_time for flow_run in waiting}


def going_on(
    client: SyncPrefectClient, store: Store, folder: Path, seconds: int
) -> tuple[UUID, "subprocess.Popen[bytes]", int]:
    """Start a process that has a run for some seconds, and a flow run that Prefect shows as running for it."""
    flow_run = client.create_flow_run_from_deployment(
        deployed(client, workflow("killed", report_hour, params=Params), folder),
        parameters={"as_of": "2026-01-01T00:00:00Z"},
    )
    client.set_flow_run_state(flow_run.id, Running(), force=True)
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(folder / "store"), str(flow_run.id), str(seconds)])
    wait_until(lambda: any(str(flow_run.id) in run.tags.values() for run in store.records.runs()), store.records.runs)
    run = next(run.id for run in store.records.runs() if str(flow_run.id) in run.tags.values())
    return flow_run.id, process, run


HOLDING = """
import sys, time
from kaon.artifacts import open_store
records = open_store(sys.argv[1]).records
run = records.start_run("killed", {}, "{}", "prefect")
records.tag_run(run.id, {"prefect.flow_run": sys.argv[2]})
end = time.monotonic() + int(sys.argv[3])
while time.monotonic() < end:
    time.sleep(1)
    records.beat(run.lease)
records.end_run(run.lease, "completed", "")
"""


def settled(client: SyncPrefectClient) -> None:
    """Wait until the server acts on the automations just made: it reads them anew every second or so."""
    time.sleep(3)


def wait_until(met: Any, seen: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < deadline, seen()
        time.sleep(0.2)
