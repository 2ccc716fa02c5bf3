"""Runs, sweeps and continued runs that are started through the API of a real server, as the pages start them."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.cli.conftest import Project

from kaon.artifacts import PrefectError, PrefectStopped, RegisteredWorkflow, RunRecord, Store, open_store
from kaon.artifacts.launching.deployments import deployments, removed, scheduled, set_paused
from kaon.artifacts.launching.prefect_api import PrefectApi
from kaon.artifacts.launching.starting import (
    Started,
    continue_run,
    executor_of,
    run_deployment,
    start_run,
    start_sweep,
    started,
    sweep_order,
)

pytestmark = pytest.mark.prefect

PATIENCE = 120.0

FLOW = """
from pathlib import Path

from kaon import step, workflow
from kaon.artifacts import Metrics


@step(output="rows")
def load(*, rows: int = 3) -> list[int]:
    return list(range(rows))


@step(output="score")
def fit(rows: list[int], *, rank: int = 8, alpha: float = 1.0) -> Metrics:
    if rank > 20 and not Path("mended").exists():
        raise ValueError(f"rank {rank} is too much")
    return {"value": rank * alpha + len(rows)}


small = workflow("small", load >> fit)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one workflow, which ran once."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "small.py").write_text(FLOW)
    made = Project(folder, folder / "home")
    ran = made.kaon("run", "small.py", "--backend", "local", "--no-mlflow")
    assert ran.returncode == 0, ran.stderr
    return made


@pytest.fixture(scope="module")
def api(project: Project) -> Iterator[PrefectApi]:
    """The server of the project's home, while a process takes up whatever is started."""
    serving = subprocess.Popen(
        project.command("serve"), cwd=project.folder, env=project.environment, stdout=subprocess.PIPE, text=True
    )
    assert serving.stdout is not None
    url = next(line for line in serving.stdout if line.startswith("Prefect")).split()[1]
    assert any("waiting for runs" in line for line in serving.stdout)
    yield PrefectApi(f"{url}/api")
    serving.send_signal(signal.SIGINT)
    serving.wait(60)


@pytest.fixture
def store(project: Project) -> Store:
    return open_store(project.home / "store")


@pytest.fixture
def came(store: Store, api: PrefectApi) -> Callable[[Started], RunRecord]:
    """Wait until what was started has ended, and return its run."""

    def wait(begun: Started) -> RunRecord:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = store.records.tagged("prefect.flow_run", begun.flow_run)
            if found and found[0].ended is not None:
                return found[0]
            time.sleep(0.3)
        raise AssertionError(started(api, begun.flow_run))

    return wait


def test_what_was_run_or_shipped_is_known_and_somebody_executes_it(api: PrefectApi, store: Store, project: Project):
    small = store.records.registered_workflow("small")

    assert (small.flow, small.folder) == (str(project.folder / "small.py"), str(project.folder))
    assert "recommendations" in [one.name for one in store.records.registered_workflows()]
    deadline = time.monotonic() + PATIENCE
    while not executor_of(api, small).ready:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    other = RegisteredWorkflow("other", "other.py", "/jobs", "{}")
    assert executor_of(api, other).ready


def test_a_run_is_started_with_its_settings(
    api: PrefectApi, store: Store, project: Project, came: Callable[[Started], RunRecord]
):
    small = store.records.registered_workflow("small")

    run = came(start_run(api, small, {"fit": {"rank": 9}}, project.home))

    assert (run.state, run.workflow, run.settings["fit.rank"]) == ("completed", "small", 9)
    assert [(s.step, s.state) for s in store.records.step_runs(run.id)] == [("load", "skipped"), ("fit", "completed")]


def test_a_sweep_is_started_and_what_failed_of_it_is_run_again_once_it_is_mended(
    api: PrefectApi, store: Store, project: Project, came: Callable[[Started], RunRecord]
):
    small = store.records.registered_workflow("small")
    axes: dict[str, Any] = {"fit.rank": {"values": [2, 9, 30]}, "fit.alpha": {"low": 1.0, "high": 4.0, "count": 2}}
    order = sweep_order({"load.rows": 4}, axes, maximize="score.value")

    run = came(start_sweep(api, small, order, project.home))

    assert (run.workflow, json.loads(run.tags["sweep"])["axes"]) == ("small_sweep", axes)
    fits = store.records.step_runs(run.id, path="fit")
    assert sorted((s.settings["rank"], s.settings["alpha"], s.state) for s in fits) == [
        (2, 1.0, "completed"),
        (2, 4.0, "completed"),
        (9, 1.0, "completed"),
        (9, 4.0, "completed"),
        (30, 1.0, "failed"),
        (30, 4.0, "failed"),
    ]

    (project.folder / "mended").touch()
    again = came(continue_run(api, store, run, home=project.home))
    assert (again.id, again.generation, again.state) == (run.id, 2, "completed")
    states = [s.state for s in store.records.step_runs(run.id, path="fit")]
    assert states == ["completed"] * 6


def test_a_schedule_is_listed_paused_run_at_once_and_removed(
    api: PrefectApi, store: Store, project: Project, came: Callable[[Started], RunRecord]
):
    small = store.records.registered_workflow("small")
    when = {"name": "nightly", "cron": "0 3 * * *", "timezone": "Europe/Berlin"}
    made = scheduled(api, small, project.home, parameters={"fit": {"rank": 5}}, environment={}, **when)

    (nightly,) = [one for one in deployments(api) if one.id == made]
    assert (nightly.full_name, nightly.schedules, nightly.made_here) == (
        "small/nightly",
        ("0 3 * * * (Europe/Berlin)",),
        True,
    )
    set_paused(api, made, paused=True)
    assert next(one for one in deployments(api) if one.id == made).paused
    set_paused(api, made, paused=False)
    run = came(run_deployment(api, made))
    assert run.settings["fit.rank"] == 5
    removed(api, made)
    assert made not in [one.id for one in deployments(api)]
    with pytest.raises(PrefectError, match="refused"):
        scheduled(api, small, project.home, parameters={}, environment={}, name="x", cron="never", timezone="UTC")


def test_a_server_that_does_not_answer_is_told_as_such():
    with pytest.raises(PrefectStopped, match="does not answer"):
        deployments(PrefectApi("http://127.0.0.1:9/api"))
    with pytest.raises(PrefectStopped, match="no Prefect server is known"):
        deployments(PrefectApi(None))
