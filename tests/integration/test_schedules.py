"""Deployed workflows: put on a real server, started by its scheduler and by its REST API as its UI does."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from tests.cli.conftest import Project

from kaon.artifacts import RunRecord, Store, open_store

pytestmark = pytest.mark.prefect

PATIENCE = 180.0

STEPS = """
def doubled(number):
    return 2 * number
"""
FLOWS = """
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, PositiveInt

from kaon import Every, step, workflow
from work.numbers import doubled


def even(number: int) -> int:
    if number % 2:
        raise ValueError("it must be even")
    return number


class Params(BaseModel):
    as_of: date
    market: Literal["ca", "us"] = "us"
    size: Annotated[int, AfterValidator(even)] = 2


@step(output="report")
def report_day(as_of: date, market: str, size: int, *, rank: PositiveInt = 3) -> str:
    return f"{market} on {as_of}: {doubled(rank) + size}"


by_hand = workflow("by_hand", report_day, params=Params, doc="A report of a day.")
ticking = workflow("ticking", report_day, params=Params, schedule=Every(timedelta(seconds=30)))
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A project whose workflows are served."""

    project: Project
    url: str

    @property
    def store(self) -> Store:
        return open_store(self.project.home / "store")

    def get(self, path: str) -> Any:
        return self.post(path, None, "GET")

    def post(self, path: str, body: Mapping[str, object] | None, method: str = "POST") -> Any:
        """Send what Prefect's UI sends; returns the detail of a refusal. A server whose database is busy says 503."""
        content = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, content, {"Content-Type": "application/json"}, method=method)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with urlopen(request) as reply:
                    return json.loads(reply.read() or b"null")
            except HTTPError as refused:
                if refused.code != 503 or time.monotonic() > deadline:
                    return json.load(refused)["detail"]
                time.sleep(1)

    def deployment(self, name: str) -> Any:
        return self.get(f"/deployments/name/{name}")

    def start(self, name: str, parameters: Mapping[str, object]) -> Any:
        return self.post(f"/deployments/{self.deployment(name)['id']}/create_flow_run", {"parameters": parameters})

    def ended(self, flow_run: str) -> Any:
        """Wait until a flow run has ended, and return it."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.get(f"/flow_runs/{flow_run}"))["state_type"] not in ("COMPLETED", "FAILED", "CRASHED"):
            assert time.monotonic() < deadline, f"still {found['state_name']}"
            time.sleep(0.2)
        return found

    def run_of(self, flow_run: str) -> RunRecord:
        return next(run for run in self.store.records.runs() if run.tags["prefect.flow_run"] == flow_run)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a package of its own beside its workflows."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "work").mkdir()
    (folder / "work" / "numbers.py").write_text(STEPS)
    (folder / "reports.py").write_text(FLOWS)
    return Project(folder, folder / "home")


@pytest.fixture(scope="module")
def told(project: Project) -> Iterator[list[str]]:
    """The lines that `kaon serve` has printed so far; the server and what it serves live as long as the module."""
    serving = subprocess.Popen(
        project.command("serve", "reports.py:ticking", "reports.py:by_hand", "--at-once", "1"),
        cwd=project.folder,
        env=project.environment,
        stdout=(project.folder / "serve.out").open("w"),
        stderr=subprocess.STDOUT,
    )
    lines: list[str] = []
    try:
        deadline = time.monotonic() + PATIENCE
        while not any("waiting for runs" in line for line in lines):
            assert serving.poll() is None and time.monotonic() < deadline, "\n".join(lines)
            time.sleep(0.2)
            lines[:] = (project.folder / "serve.out").read_text().splitlines()
        yield lines
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(PATIENCE) == 0, (project.folder / "serve.out").read_text()
    finally:
        if serving.poll() is None:
            serving.kill()


@pytest.fixture(scope="module")
def served(project: Project, told: list[str]) -> Served:
    """The served project, and the address of its server."""
    return Served(project, json.loads((project.home / "prefect" / "server.json").read_text())["url"])


def test_the_scheduler_starts_a_run_for_its_time(served: Served) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (runs := [run for run in served.store.records.runs("ticking") if run.state == "completed"]):
        assert time.monotonic() < deadline, "no scheduled run has completed"
        time.sleep(0.5)
    served.post(f"/deployments/{served.deployment('ticking/kaon')['id']}", {"paused": True}, "PATCH")

    flow_run = served.get(f"/flow_runs/{runs[-1].tags['prefect.flow_run']}")
    assert flow_run["auto_scheduled"]
    assert runs[-1].tags["scheduled"] == flow_run["expected_start_time"].replace("Z", "+00:00")
    assert runs[-1].settings["as_of"] == runs[-1].tags["scheduled"][:10]


def test_a_deployment_says_what_has_changed_or_that_nothing_has(project: Project, served: Served) -> None:
    same = project.kaon("deploy", "reports.py:by_hand")
    other = project.kaon(
        *("deploy", "reports.py:by_hand", "report_day.rank=5"),
        *("--at-once", "2", "--tag", "reports", "--retries", "2", "--retry-delay", "1"),
    )

    assert same.stdout.splitlines()[0] == "by_hand/kaon: nothing has changed", same.stderr
    assert other.stdout.splitlines()[:5] == [
        "by_hand/kaon: has no schedule: it runs when it is started",
        "  parameters: {} -> {'report_day': {'rank': 5}}",
        "  tags: ['kaon'] -> ['kaon', 'reports']",
        "  where and how it runs",
        "  runs at once: None -> 2",
    ], other.stderr
    found = served.deployment("by_hand/kaon")
    assert found["global_concurrency_limit"]["limit"] == 2
    assert found["job_variables"]["env"]["KAON_RETRIES"] == "2"
    assert found["description"] == "A report of a day."


def test_a_value_that_does_not_fit_is_not_deployed(project: Project) -> None:
    refused = project.kaon("deploy", "reports.py:by_hand", "report_day.rank=-4")

    assert refused.returncode == 2
    assert refused.stderr.startswith("report_day.rank='-4' does not fit\n\n  why: input should be greater than 0")


def test_the_form_has_the_workflows_parameters(served: Served) -> None:
    form = served.deployment("by_hand/kaon")["parameter_openapi_schema"]

    assert list(form["properties"]) == ["as_of", "market", "size", "report_day"]
    assert form["properties"]["market"]["enum"] == ["ca", "us"]
    assert form["properties"]["as_of"]["format"] == "date"
    assert form["required"] == ["as_of"]


def test_a_run_started_as_from_the_ui_runs_and_is_recorded(served: Served) -> None:
    started = served.start("by_hand/kaon", {"as_of": "2026-01-05", "market": "ca", "report_day": {"rank": 7}})

    assert served.ended(started["id"])["state_name"] == "Completed"
    run = served.run_of(started["id"])
    assert (run.workflow, run.state, run.backend) == ("by_hand", "completed", "prefect")
    assert run.settings == {"as_of": "2026-01-05", "market": "ca", "size": 2, "report_day.rank": 7}
    assert run.tags["flow"] == str(served.project.folder / "reports.py:by_hand")
    assert run.tags["folder"] == str(served.project.folder)
    assert "scheduled" not in run.tags
    ((_, _, report),) = served.store.records.outputs(run.id)
    assert served.store.get(report) == "ca on 2026-01-05: 16"


def test_the_server_refuses_a_parameter_that_its_form_excludes_and_names_it(served: Served) -> None:
    refusal = served.start("by_hand/kaon", {"as_of": "2026-01-05", "report_day": {"rank": -7}})

    assert "Validation failed for field 'report_day.rank'" in refusal


def test_kaon_refuses_a_parameter_that_no_form_can_exclude_and_names_it(served: Served) -> None:
    started = served.start("by_hand/kaon", {"as_of": "2026-01-06", "size": 3})

    ended = served.ended(started["id"])
    assert ended["state_type"] == "FAILED"
    assert "size=3 does not fit" in ended["state"]["message"]
    assert "it must be even" in ended["state"]["message"]


def test_serving_says_what_it_serves(told: list[str]) -> None:
    assert "by_hand/kaon no schedule: runs when it is started" in told
    assert "ticking/kaon every 0:00:30 from 2020-01-01 00:00:00 in UTC" in told


def test_nothing_of_a_stopped_server_goes_on(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "numbers.py").write_text(STEPS)
    (tmp_path / "reports.py").write_text(FLOWS.replace("return f", "import time; time.sleep(600); return f"))
    project = Project(tmp_path, tmp_path / "home")
    with (tmp_path / "serve.out").open("w") as out:
        serving = subprocess.Popen(
            project.command("serve", "reports.py:by_hand"),
            cwd=tmp_path,
            env={**project.environment, "KAON_GRACE": "1"},
            stdout=out,
            stderr=out,
        )
    wait_for_text(tmp_path / "serve.out", "waiting for runs")
    served = Served(project, json.loads((project.home / "prefect" / "server.json").read_text())["url"])
    served.start("by_hand/kaon", {"as_of": "2026-01-05"})
    deadline = time.monotonic() + PATIENCE
    while not any(
        step.state == "running"
        for run in served.store.records.runs()
        for step in served.store.records.step_runs(run.id)
    ):
        assert time.monotonic() < deadline, (tmp_path / "serve.out").read_text()
        time.sleep(0.2)

    serving.send_signal(signal.SIGINT)

    assert serving.wait(60) == 0, (tmp_path / "serve.out").read_text()
    (run,) = served.store.records.runs()
    assert run.state == "cancelled"
    assert (tmp_path / "serve.out").read_text().splitlines()[-2:] == ["ending 1 run", "stopped"]


def wait_for_text(path: Path, text: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while text not in path.read_text():
        assert time.monotonic() < deadline, path.read_text()
        time.sleep(0.2)
