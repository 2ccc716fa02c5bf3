"""What Kaon costs beside what else one would take, on this machine: `make bench`, or some parts of it.

python -m tests.benchmarks [PART …]

    sweeps     (a), (d)  ten thousand trivial points, by Kaon, Prefect, Metaflow, redun and Dask; then the same again
    sequences  (b)       a step of a sequence of 200, by Kaon and written by hand for Prefect
    plans      (c)       building and checking a workflow of 10,000 steps
    loops                five markets on two cores against one
    training             the training steps beside implicit, a plain PyTorch loop, XGBoost and FAISS alone
    web                  the pages of a loop, of a loop of two steps and of a sweep of 10,000 points, while they go on
    containers           a sweep of 200 steps in containers, beside as many containers alone
    artifacts            the pages of a table of five million rows, and of a hundred thousand artifacts
    scale                ALS by implicit and by Spark at 0.1, 1 and 5 million synthetic events
    serving              the server of a recommender at 100 requests a second, through swaps, and made-up requests

Everything is measured in one go, one after the other: leave the machine alone meanwhile.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import psutil
from rich.console import Console
from rich.table import Table
from tests.benchmarks import artifact_pages, containers, scale, serving, sweeps, training, web
from tests.benchmarks.measured import (
    Chain,
    by_hand_seconds,
    chain_seconds,
    chained,
    flat_plan,
    mixed_plan,
    plan_seconds,
    train_markets,
    wait_markets,
    wide_plan,
)

from kaon.dsl.backends.prefect.run import serving as serving_prefect

REPEATS = 3
SEQUENCES = 11
"""Runs of each sequence: they take two seconds each, and differ by a fifth."""
STEPS = 200
NODES = 10_000
MARKETS = 5
IMPORT = "import time; began = time.perf_counter(); import kaon; print(time.perf_counter() - began)"

console = Console(width=150)


def main(wanted: list[str]) -> None:
    """Measure the wanted parts, or all, and print their tables."""
    unknown = set(wanted) - PARTS.keys()
    if unknown:
        sys.exit(f"no part is called {', '.join(sorted(unknown))}\n\n{__doc__}")
    cores, memory = len(os.sched_getaffinity(0)), psutil.virtual_memory().total / 2**30
    machine = f"{platform.machine()}, {cores} cores, {memory:.0f} GiB, Python {platform.python_version()}"
    console.print(f"{machine}; load before: {os.getloadavg()[0]:.1f}")
    console.print(f"figures with a range are medians of {REPEATS} runs, those of sequences of {SEQUENCES}\n")
    for name, measure in PARTS.items():
        if name in wanted or not wanted:
            measure()


def measure_sweeps() -> None:
    """Print what a sweep takes each contender as soon as it has ended, and then all of them in one table."""
    table = sweeps.table()
    for contender in sweeps.CONTENDERS:
        console.print(f"… {contender.points:,} points by {contender.title}")
        row = sweeps.row(sweeps.swept(contender))
        console.print("  " + "; ".join(f"{name} {value}" for name, value in zip(sweeps.COLUMNS, row[1:], strict=True)))
        table.add_row(*row)
    console.print(table, sweeps.EXPLAINED, "", sep="\n")


def measure_sequences() -> None:
    """Print what a step that does nothing takes in a sequence, its output stored."""
    chain = chained(STEPS)
    ways: dict[str, Callable[[Path], Chain]] = {
        "by hand for Prefect: persist_result, cache by inputs": lambda folder: by_hand_seconds(STEPS, folder=folder),
        "Kaon on Prefect": lambda folder: chain_seconds(chain, folder=folder, backend="prefect"),
        "Kaon, local": lambda folder: chain_seconds(chain, folder=folder, backend="local"),
    }
    found: dict[str, list[Chain]] = {name: [] for name in ways}
    with _home() as home, serving_prefect():
        for turn in range(SEQUENCES):
            for place, (name, measure) in enumerate(ways.items()):
                found[name].append(measure(home / f"{turn}-{place}"))

    table = _table(
        f"(b)  a sequence of {STEPS} steps that do nothing, every output stored", "a step", "against", "in all"
    )
    first = statistics.median(one.each for one in next(iter(found.values())))
    for name, chains in found.items():
        ratio = statistics.median(one.each for one in chains) / first
        each, whole = [one.each for one in chains], [one.whole for one in chains]
        table.add_row(name, f"{_told(each, 1000)} ms", f"{ratio:.2f}", f"{_told(whole)} s")
    console.print(table, "")


def measure_plans() -> None:
    """Print what building and checking a large workflow takes, and the import before it."""
    table = _table(f"(c)  a workflow of {NODES:,} steps, built, checked and bound", "seconds")
    for name, build in {
        "one after the other": flat_plan,
        "in 100 branches": wide_plan,
        "in 1,000 loops, 1,000 repetitions, 1,000 decisions": mixed_plan,
    }.items():
        table.add_row(name, _told([plan_seconds(build, NODES) for _ in range(REPEATS)]))
    table.add_row("import kaon", _told([_import_seconds() for _ in range(REPEATS)]))
    console.print(table, "")


def measure_loops() -> None:
    """Print what a loop over five markets takes against one."""
    table = _table("for_each on Prefect", "1 market", f"{MARKETS} markets", "ratio")
    ways: dict[str, Callable[[int], float]] = {
        "fine_tune, on one thread each": lambda markets: train_markets(markets, users=1000),
        "a step that waits 1 s": lambda markets: wait_markets(markets, seconds=1.0),
    }
    with _home(), serving_prefect():
        for name, measure in ways.items():
            measure(1)  # imports, and the first connections
            one, five = ([measure(markets) for _ in range(REPEATS)] for markets in (1, MARKETS))
            ratio = statistics.median(five) / statistics.median(one)
            table.add_row(name, f"{_told(one)} s", f"{_told(five)} s", f"{ratio:.2f}")
    console.print(table, "")


def measure_training() -> None:
    """Print what the training steps take in a run beside what they call."""
    console.print(training.table(REPEATS), training.EXPLAINED, "", sep="\n")


def measure_scale() -> None:
    """Print what ALS takes by both engines as the data grows, and where the memory of one machine ends."""
    found = scale.measured()
    rule = scale.rule(found, psutil.virtual_memory().total)
    console.print(scale.table(found), scale.EXPLAINED, rule, "", sep="\n")


def measure_web() -> None:
    """Print what the web application's pages and live updates take while runs of ten thousand points go on."""
    console.print(web.table([web.watched(kind) for kind in web.KINDS]), web.EXPLAINED, "", sep="\n")


def measure_serving() -> None:
    """Print how fast the server of a published recommender answers, and how many made-up requests it withstood."""
    serving.main([])


def measure_containers() -> None:
    """Print what a sweep of steps in containers takes; a docker daemon has to run."""
    console.print(containers.table(), containers.EXPLAINED, "", sep="\n")


def measure_artifacts() -> None:
    """Print what the pages of artifacts take: of a long table, and in a store of many."""
    console.print(artifact_pages.table(artifact_pages.asked()), artifact_pages.EXPLAINED, "", sep="\n")


PARTS: dict[str, Callable[[], None]] = {
    "sweeps": measure_sweeps,
    "sequences": measure_sequences,
    "plans": measure_plans,
    "loops": measure_loops,
    "training": measure_training,
    "scale": measure_scale,
    "web": measure_web,
    "serving": measure_serving,
    "containers": measure_containers,
    "artifacts": measure_artifacts,
}


@contextmanager
def _home() -> Iterator[Path]:
    """Yield a folder that is Kaon's home while the block runs."""
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, KAON_HOME=folder):
        yield Path(folder)


def _import_seconds() -> float:
    return float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout)


def _table(title: str, *columns: str) -> Table:
    table = Table("", title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _told(values: list[float], scale: float = 1.0) -> str:
    """Return the median of the measurements and their range."""
    low, middle, high = (scale * value for value in (min(values), statistics.median(values), max(values)))
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


if __name__ == "__main__":
    main(sys.argv[1:])
