"""A researcher's project with its own `steps/` and `flows/`, and the command `kaon` run in it."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kaon.cli import main

STEPS = """
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from kaon import current_step, step
from kaon.artifacts import Metrics


class Found(NamedTuple):
    numbers: list[int]
    markets: list[str]


@step
def find(*, many: int = 4, wanted: list[str] = ["ca", "us"]) -> Found:
    print("looking for them")
    return Found(list(range(many)), wanted)


@step(output="total")
def add(numbers: list[int]) -> int:
    return sum(numbers)


@step(output="scores")
def fit(numbers: list[int], market: str, *, pause: float = 0.0, pause_on: str = "", fail_on: str = "") -> Metrics:
    current_step().progress(0.5, "epoch 1 of 2")
    end = time.monotonic() + (pause if pause_on in ("", market) else 0)
    while time.monotonic() < end and not Path("hurry").exists():
        time.sleep(0.05)
    if market == fail_on and not Path("outage").exists():
        raise ValueError(f"cannot fit {market}")
    return Metrics(ndcg=len(numbers) / 10)


class Choice(NamedTuple):
    stable: bool
    table: pd.DataFrame


@step
def choose(total: int, scores: Mapping[str, Metrics], attempt: int, *, enough: int = 2) -> Choice:
    frame = pd.DataFrame({"market": list(scores), "ndcg": [score["ndcg"] for score in scores.values()]})
    return Choice(attempt >= enough, frame)
"""

FLOW = """
from kaon import for_each, repeat, workflow
from steps.work import add, choose, find, fit

demo = workflow(
    "demo",
    find >> repeat(until="stable", at_most=3).do([add, for_each(market="markets").do(fit)] >> choose),
    report=("table",),
)
"""


WIDE = """
import time
from collections.abc import Mapping
from kaon import for_each, step, workflow


@step(output="points")
def points(*, many: int = 300) -> list[int]:
    return list(range(many))


@step(output="score")
def train(point: int, *, pause: float = 0.0, fail_on: int = 7) -> float:
    print(f"point {point}")
    time.sleep(pause)
    if point % 100 == fail_on:
        raise ValueError(f"no ratings for {point}")
    return point / 2


@step(output="best")
def best(score: Mapping[int, float]) -> float:
    return max(score.values())


wide = workflow("wide", points >> for_each(point="points").do(train, on_failure="continue", min_success=0.9) >> best)
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a workflow, and a home for its runs."""

    folder: Path
    home: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "kaon.cli", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KAON_HOME": str(self.home), "COLUMNS": "120"}

    def kaon(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command in the project, as a shell does."""
        return subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300
        )

    def python(self, script: str) -> None:
        """Run a script in the project."""
        subprocess.run([sys.executable, script], cwd=self.folder, env=self.environment, check=True, timeout=300)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command in the project and return at once."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def written(folder: Path) -> Project:
    """Write the researcher's project into a folder."""
    for name, text in (("steps/work.py", STEPS), ("flows/demo.py", FLOW), ("flows/wide.py", WIDE)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Project(folder, folder / ".kaon")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without any run."""
    return written(tmp_path)


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with two runs: the first completed, the second failed for one market."""
    project = written(tmp_path_factory.mktemp("project"))
    first = project.kaon("run", "flows/demo.py", "--backend", "local", "--no-mlflow")
    assert first.returncode == 0, first.stderr
    second = project.kaon("run", "flows/demo.py", "fit.fail_on=us", "--backend", "local", "--no-mlflow")
    assert second.returncode == 1, second.stderr
    return project


@pytest.fixture(scope="session")
def ran_wide(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a run over 300 points, of which three failed and were tolerated."""
    project = written(tmp_path_factory.mktemp("wide"))
    ended = project.kaon("run", "flows/wide.py", "--backend", "local", "--no-mlflow")
    assert ended.returncode == 0, ended.stderr
    return project


@pytest.fixture(scope="session")
def read_until() -> Callable[[subprocess.Popen[str], str], None]:
    """Read what a command prints until a line holds the text: `read_until(running, "● fit")`."""

    def read(running: subprocess.Popen[str], text: str) -> None:
        assert running.stdout is not None
        for line in running.stdout:
            if text in line:
                return
        raise AssertionError(f"the command ended without {text!r}: {running.communicate()[1]}")

    return read


@dataclass(frozen=True, slots=True)
class Called:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    """Call the command in this process: `call("runs", project=ran)`."""

    def called(*arguments: str, project: Project | None = None) -> Called:
        monkeypatch.setattr(sys, "path", list(sys.path))
        if project is not None:
            monkeypatch.chdir(project.folder)
            monkeypatch.setenv("KAON_HOME", str(project.home))
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        shown = capsys.readouterr()
        return Called(int(ended.value.code or 0), shown.out, shown.err)

    return called
