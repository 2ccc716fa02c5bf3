"""ALS by `implicit` and by Spark as the data grows: seconds and memory, each run in a process of its own."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from tests.benchmarks.observed import observe, script

ENGINES = ("implicit", "spark")
EVENTS = (100_000, 1_000_000, 5_000_000)
ITERATIONS = 2
"""Fewer than one trains with: an iteration costs the same each time, and so its seconds are told."""
COLUMNS = ("events", "pairs", "users", "items", "engine", "session", "train_als", "peak memory")
EXPLAINED = """\
session: until Spark's session is there; train_als: the step, called once it is. Memory: the proportional set size of
the process and of Spark's JVM, the highest of a look every 0.2 s."""


@dataclass(frozen=True, slots=True)
class Grown:
    """What one engine took for one size."""

    engine: str
    events: int
    pairs: int
    """Of user and item, each once."""
    users: int
    items: int
    session: float
    """Seconds that Spark's session took to start."""
    seconds: float
    """Seconds of `train_als` after that."""
    memory: int
    """Bytes, at most, of the process and of Spark's."""


def grown(engine: str, events: int, iterations: int, folder: Path) -> Grown:
    """Return what an engine takes for so many synthetic events, which are made if the folder does not hold them."""
    if not (folder / f"{events}.parquet").exists():
        observe([*script("als_engines"), "make", str(events), str(folder)], folder)
    home = str(folder / "home")
    seen = observe([*script("als_engines"), engine, str(events), str(iterations), str(folder)], folder, KAON_HOME=home)
    marks = seen.marks
    size = json.loads((folder / f"{events}.json").read_text())
    return Grown(
        engine,
        events,
        **size,
        session=marks["started"] - marks["began"],
        seconds=marks["ended"] - marks["started"],
        memory=seen.memory,
    )


def table(sizes: tuple[int, ...] = EVENTS, iterations: int = ITERATIONS) -> Table:
    """Return the table of both engines at every size; each is run once."""
    made = Table(title=f"ALS at rank 64, {iterations} iterations, on synthetic events", title_justify="left")
    for name in COLUMNS:
        made.add_column(name, justify="right")
    with tempfile.TemporaryDirectory() as name:
        for events in sizes:
            for engine in ENGINES:
                made.add_row(*row(grown(engine, events, iterations, Path(name))))
            made.add_section()
    return made


def row(found: Grown) -> tuple[str, ...]:
    """Return the row of a run."""
    return (
        f"{found.events:,}",
        f"{found.pairs:,}",
        f"{found.users:,}",
        f"{found.items:,}",
        found.engine,
        f"{found.session:.1f} s" if found.engine == "spark" else "",
        f"{found.seconds:.1f} s",
        f"{found.memory / 2**20:,.0f} MiB",
    )
