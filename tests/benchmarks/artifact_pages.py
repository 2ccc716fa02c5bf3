"""What the pages of artifacts cost: of a table of five million rows, and in a store of a hundred thousand artifacts.

python -m tests.benchmarks artifacts

`kaon ui` serves a store that is made before; every page is asked for over HTTP on the loopback. When a page far into
the table is asked for first, the table is laid out in the cache; when it is sorted by a column first, its order is.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from unittest.mock import patch

import httpx
import numpy as np
import pandas as pd
import psutil
from rich.table import Table
from tests.benchmarks.observed import IMPORTED_FROM
from tests.benchmarks.web import server

from kaon.artifacts import Begin, Begun, Ending, Metrics, Store, open_store

ROWS = 5_000_000
RUNS, POINTS = 10, 10_000
TIMES = 15
"""How often each page is asked for after its first time."""

EXPLAINED = """Until the last byte. First: what is computed once for each content is computed then.
Memory: what the server alone holds (USS) after everything was asked for once, and after all of it; what it has mapped
of the table is not in it."""


@dataclass(slots=True)
class Asked:
    """What was seen while pages were asked for."""

    first: dict[str, float] = field(default_factory=dict)
    """Page to the seconds that its first answer took."""
    later: dict[str, list[float]] = field(default_factory=dict)
    """Page to the seconds that each further answer took."""
    memory: list[int] = field(default_factory=list)
    """Bytes that the server held after the first round, and after the last."""
    title: str = ""


def asked(rows: int = ROWS, runs: int = RUNS, points: int = POINTS) -> Asked:
    """Make a store of a table and of runs of so many points, ask for its pages, and return what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        with patch.dict(os.environ, KAON_HOME=folder):
            store = open_store()
            table, point = _stored_table(store, rows), _stored_points(store, runs, points)
            store.records.database.close()
        pages = {
            "a page of the table": f"/artifacts/{table}/rows?at={rows * 4 // 5}",
            "sorted by a number": f"/artifacts/{table}/rows?at={rows // 2}&sort=-2",
            "sorted by text": f"/artifacts/{table}/rows?at={rows // 2}&sort=0",
            "figures of its columns": f"/artifacts/{table}/columns",
            "the list of artifacts": "/artifacts",
            "the list, by a name that none has": "/artifacts?name=nothing",
            "one point of a run": f"/artifacts/{point}",
            "its history over ten runs": f"/artifacts/{point}/history",
        }
        with server({**os.environ, "PYTHONPATH": IMPORTED_FROM, "KAON_HOME": folder}) as (address, process):
            found = _ask(address, process, pages)
    found.title = f"a table of {rows:,} rows, and {runs} runs of {points:,} points"
    return found


def table(found: Asked) -> Table:
    """Return what was seen, as a table."""
    made = Table("", title=found.title, title_justify="left")
    for column in ("first", "median", "worst"):
        made.add_column(column, justify="right")
    for name, times in found.later.items():
        middle, worst = statistics.median(times), max(times)
        made.add_row(name, f"{found.first[name]:.1f} s", f"{1000 * middle:.0f} ms", f"{1000 * worst:.0f} ms")
    before, after = (f"{amount / 2**20:.0f} MiB" for amount in found.memory)
    made.add_row("memory of the server", before, after, "")
    return made


def _ask(address: str, process: psutil.Process, pages: Mapping[str, str]) -> Asked:
    found = Asked()
    with httpx.Client(base_url=address, trust_env=False, timeout=120) as client:
        client.get("/artifacts?kind=none").raise_for_status()  # what every page uses is loaded then

        def seconds(path: str) -> float:
            began = time.perf_counter()
            client.get(path).raise_for_status()
            return time.perf_counter() - began

        for name, path in pages.items():
            found.first[name] = seconds(path)
        found.memory.append(process.memory_full_info().uss)
        for name, path in pages.items():
            found.later[name] = [seconds(path) for _ in range(TIMES)]
        found.memory.append(process.memory_full_info().uss)
    return found


def _stored_table(store: Store, rows: int) -> int:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "user": np.char.add("u", random.integers(0, rows // 10, rows).astype(str)),
            "item": random.integers(0, 100_000, rows),
            "rating": random.random(rows),
            "time": pd.to_datetime(random.integers(1_600_000_000, 1_700_000_000, rows), unit="s"),
            "market": random.choice(["US", "CA", "UK"], rows),
        }
    )
    lease = store.records.start_run("reading", {}, "{}", "local").lease
    (begun,) = store.begin_steps(lease, [Begin("reading/read", "read")])
    assert isinstance(begun, Begun)
    ending = Ending(begun.step_run, "completed", outputs=(store.dumped(frame, "table", pd.DataFrame),))
    (made,) = store.finish_steps(lease, [ending])
    store.records.end_run(lease, "completed")
    return made["table"].id


def _stored_points(store: Store, runs: int, points: int) -> int:
    """Store a metric of every point of every run, and return the number of the last."""
    last = 0
    for run in range(runs):
        lease = store.records.start_run("searching", {}, "{}", "local").lease
        for start in range(0, points, 1000):
            part = range(start, min(start + 1000, points))
            calls = [Begin("searching/sweep/score", "score", (("point", point),)) for point in part]
            endings = []
            for begun, point in zip(store.begin_steps(lease, calls), part, strict=True):
                assert isinstance(begun, Begun)
                output = store.dumped(Metrics(value=float(run * point)), "score", Metrics)
                endings.append(Ending(begun.step_run, "completed", outputs=(output,)))
            last = store.finish_steps(lease, endings)[-1]["score"].id
        store.records.end_run(lease, "completed")
    return last
