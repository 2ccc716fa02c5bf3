"""ALS by `implicit` and by Spark as the data grows: seconds and memory, each run in a process of its own."""

import json
import tempfile
from collections.abc import Sequence
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


def measured(sizes: Sequence[int] = EVENTS, iterations: int = ITERATIONS) -> list[Grown]:
    """Return what both engines take at every size, each run once."""
    with tempfile.TemporaryDirectory() as name:
        return [grown(engine, events, iterations, Path(name)) for events in sizes for engine in ENGINES]


def table(found: Sequence[Grown]) -> Table:
    """Return the table of the runs."""
    made = Table(title=f"ALS at rank 64, {ITERATIONS} iterations, on synthetic events", title_justify="left")
    for name in COLUMNS:
        made.add_column(name, justify="right")
    for one in found:
        made.add_row(*row(one), end_section=one.engine == ENGINES[-1])
    return made


def rule(found: Sequence[Grown], memory: int) -> str:
    """Return what another pair costs each engine between the two largest sizes, and where that memory (bytes) ends."""
    lines = []
    for engine in ENGINES:
        smaller, larger = [one for one in found if one.engine == engine][-2:]
        pairs = larger.pairs - smaller.pairs
        each, took = (larger.memory - smaller.memory) / pairs, (larger.seconds - smaller.seconds) / pairs
        line = f"{engine}: {each:.0f} bytes and {1e6 * took:.1f} µs for another pair"
        if engine == "implicit":
            line += f", so that {memory / 2**30:.0f} GiB end near {memory / each / 1e6:,.0f} million pairs"
        lines.append(line)
    return "\n".join(lines)


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
