"""A sweep of trivial points, system by system: each in processes of its own, its store empty before."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from rich.table import Table
from tests.benchmarks.observed import Observed, answer, observe, script
from tests.benchmarks.peers.contender import SWEEP

from kaon.dsl.backends.prefect.own_server import shared_server

COLUMNS = ("points", "start-up", "points/s", "in all", "peak memory", "lost", "next run after", "once more")
NEXT = 10
"""Points of the next run."""
SETTLED = 10.0
"""Seconds without a change after which a server has recorded all that it will."""
SETTLING = 300.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A system, and how it takes part."""

    title: str
    script: str
    package: str
    points: int = 10_000
    server: Literal["", "home", "url"] = ""
    """The Prefect server it uses: none, that of its home, as Kaon does, or the one at an address."""
    keeps: bool = True
    """Whether it has a store at all."""
    resumes: bool = False
    """Whether a second run of the same sweep computes nothing again."""


CONTENDERS = (
    Contender("Kaon on Prefect", "kaon_sweep", "kaon", server="home", resumes=True),
    Contender("Kaon on Prefect", "kaon_sweep", "kaon", points=100_000, server="home", resumes=True),
    Contender("Prefect .map, threads", "prefect_map", "prefect", server="url"),
    Contender("Metaflow foreach", "metaflow_foreach", "metaflow", points=1000),
    Contender("redun", "redun_tasks", "redun", resumes=True),
    Contender("Dask futures, the floor", "dask_futures", "distributed", keeps=False),
)


@dataclass(frozen=True, slots=True)
class Swept:
    """What the sweep of one contender took."""

    contender: Contender
    start_up: float
    """Seconds from the start of its process to its first point."""
    rate: float
    """Points a second, from the first one until the join had every result in hand."""
    whole: float
    """Seconds from the start of its process to its end."""
    memory: int
    """Bytes."""
    kept: int
    """How many points its own store shows as completed."""
    following: float
    """Seconds from that join to the first point of the next run, whose process began when this one had ended."""
    again: float | None
    """Seconds that the same sweep took once more, as a new process."""


def swept(contender: Contender) -> Swept:
    """Return what the sweep of a contender takes: the sweep, the next one at its heels, and the first one again."""
    with _stage(contender) as stage:
        seen = stage.sweep(contender.points, 0)
        later = stage.sweep(NEXT, 1)
        kept = stage.kept() if contender.keeps else 0
        again = stage.sweep(contender.points, 0) if contender.resumes else None
    first, joined = seen.marks["first"], seen.marks["joined"]
    assert again is None or "first" not in again.marks, "a finished sweep is not computed again"
    return Swept(
        contender,
        start_up=first - seen.launched,
        rate=contender.points / (joined - first),
        whole=seen.ended - seen.launched,
        memory=seen.memory,
        kept=kept,
        following=later.marks["first"] - joined,
        again=None if again is None else again.ended - again.launched,
    )


def table() -> Table:
    """Return an empty table of sweeps."""
    made = Table("", title="(a), (d)  a sweep of trivial points", title_justify="left")
    for name in COLUMNS:
        made.add_column(name, justify="right")
    return made


def row(swept: Swept) -> tuple[str, ...]:
    """Return the row of a sweep."""
    contender = swept.contender
    return (
        f"{contender.title} ({version(contender.package)})",
        f"{contender.points:,}",
        f"{swept.start_up:.1f} s",
        f"{swept.rate:,.0f}",
        f"{swept.whole:.1f} s",
        f"{swept.memory / 2**20:,.0f} MiB",
        f"{contender.points - swept.kept:,}" if contender.keeps else "keeps none",
        f"{swept.following:.1f} s",
        "computes again" if swept.again is None else f"{swept.again:.1f} s",
    )


EXPLAINED = f"""\
start-up: from the start of the process to its first point; points/s: from then until a join has every result in hand;
in all: from the start of the process to its end. Memory: the proportional set size of all processes, the server's too,
summed every 0.2 s. Lost: points that its own store does not show as completed {SETTLED:.0f} s after the last one came.
Next run: from the join to the first point of a new run of {NEXT} points, started as soon as the process had ended.
Once more: the same sweep in a new process, where the system finds its results again."""


class _Stage:
    """Where the sweeps of one contender run: a folder and, if it is wanted, a Prefect server that is up."""

    def __init__(self, contender: Contender, folder: Path, server: tuple[int, ...], url: str) -> None:
        self._script, self._points = script(contender.script), contender.points
        self._folder, self._server = folder, server
        self._environment = {
            "KAON_HOME": str(folder / "home"),
            "METAFLOW_HOME": str(folder / "metaflow"),
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder / "metaflow"),
            "USER": "benchmark",
        }
        if url:
            self._environment |= {
                "PREFECT_API_URL": url,
                "PREFECT_HOME": str(folder / "prefect"),
                "PREFECT_LOGGING_LEVEL": "WARNING",
                "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
                "DO_NOT_TRACK": "1",
            }

    def sweep(self, points: int, number: int) -> Observed:
        """Run a sweep; its number says which points it is of."""
        command = [*self._script, "sweep", str(points), str(number * SWEEP), str(self._folder)]
        return observe(command, self._folder, serving=self._server, **self._environment)

    def kept(self) -> int:
        """Return how many points of the first sweep the store shows as completed once that changes no more."""
        seen, since, begun = -1, time.monotonic(), time.monotonic()
        while True:
            now = int(answer([*self._script, "kept", "0", str(self._folder)], self._folder, **self._environment))
            if now != seen:
                seen, since = now, time.monotonic()
            settled = time.monotonic() - since > SETTLED or time.monotonic() - begun > SETTLING
            if seen >= self._points or settled:
                return seen
            time.sleep(1)


@contextmanager
def _stage(contender: Contender) -> Iterator[_Stage]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not contender.server:
            yield _Stage(contender, folder, (), "")
            return
        with shared_server(folder / "home") as address:
            yield _Stage(contender, folder, (address.pid,), address.url if contender.server == "url" else "")
