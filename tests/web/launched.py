"""A project whose workflow is launched from the pages: a real Prefect server, and a process that executes."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.conftest import Project

from kaon.artifacts import Store, open_store
from kaon.artifacts.launching.prefect_api import PrefectApi
from kaon.artifacts.launching.starting import executor_of

FLOW = '''
import time
from pathlib import Path
from typing import Annotated, Literal

from kaon import step, workflow
from kaon.artifacts import Metrics
from pydantic import BaseModel, Field


class Options(BaseModel):
    depth: Annotated[int, Field(ge=1, le=9)] = 3


@step(output="rows")
def load(*, rows: Annotated[int, Field(ge=1)] = 3, markets: list[str] = ["ca"]) -> list[int]:
    """Load rows.

    rows: how many.
    """
    return list(range(rows))


@step(output="score")
def fit(
    rows: list[int],
    *,
    rank: Annotated[int, Field(gt=0, le=64)] = 8,
    alpha: float = 1.0,
    engine: Literal["spark", "implicit"] = "implicit",
    note: str | None = None,
    options: Options = Options(),
    slow: float = 0.0,
) -> Metrics:
    """Fit a model.

    rank: length of the vectors.
    """
    time.sleep(slow)
    if rank > 20 and not Path("mended").exists():
        print(f"about to fail at rank {rank}")
        raise ValueError(f"rank {rank} does not fit into memory")
    return {"value": rank * alpha + len(rows), "loss": 1 / rank}


@step(output="report")
def tell(score: Metrics) -> str:
    """Write what came out."""
    return f"{score['value']:.2f}"


small = workflow("small", load >> fit >> tell, doc="Fit something small.")
'''


@dataclass(frozen=True, slots=True)
class Launched:
    """A project, and the server that starts its runs."""

    project: Project
    prefect: str

    @property
    def store(self) -> Store:
        return open_store(self.project.home / "store")


@contextmanager
def launching(folder: Path) -> Iterator[Launched]:
    """Yield a project with one run, while a process executes what is launched."""
    (folder / "small.py").write_text(FLOW)
    project = Project(folder, folder / "home")
    ran = project.kaon("run", "small.py", "--backend", "local", "--no-mlflow")
    assert ran.returncode == 0, ran.stderr
    serving = subprocess.Popen(
        project.command("serve", "small.py"),
        cwd=folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert serving.stdout is not None
    url = next(line for line in serving.stdout if line.startswith("Prefect")).split()[1] + "/api"
    small = open_store(project.home / "store").records.registered_workflow("small")
    deadline = time.monotonic() + 60
    while not executor_of(PrefectApi(url), small).ready:
        assert time.monotonic() < deadline and serving.poll() is None
        time.sleep(0.2)
    yield Launched(project, url)
    serving.send_signal(signal.SIGINT)
    serving.wait(90)
