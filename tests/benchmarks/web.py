"""What the pages of a run of many points cost: until the first byte, for each live update, and in memory over time.

python -m tests.benchmarks web, or for longer: python -m tests.benchmarks.web 10000 600

A run of so many points goes on for so many seconds, while `kaon ui` serves two tabs that watch it: one the run, one
the items of its loop. Every update says in a comment of the stream what it took the server.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table
from tests.benchmarks.observed import IMPORTED_FROM

POINTS = 10_000
SECONDS = 60.0
PAGES = 15
"""How often each page is asked for."""
SETTLED = 0.2
"""Share of the time after which memory is looked at for the first time: caches are full by then."""
LOOP = "watched/for_each%5Bpoint%5D"

EXPLAINED = """Pages: until the last byte, over HTTP on the loopback. Updates: what the server took for one, as it says.
Memory: what the server alone holds (USS) when a fifth of the time is over, and at the end."""

RUN = """
import sys, time
import kaon
from kaon.artifacts import Metrics

@kaon.step(output="points")
def list_points(*, count: int = 10) -> list[int]:
    return list(range(count))

@kaon.step(output="score")
def score(point: int, *, pause: float = 0.0) -> Metrics:
    time.sleep(pause)
    print(f"scored {point}")
    if point % 500 == 499:
        raise ValueError(f"point {point} is bad")
    return Metrics({"value": float(point)})

body = list_points >> kaon.for_each(point="points").do(score, on_failure="continue", min_success=0.5)
watched = kaon.workflow("watched", body)
if __name__ == "__main__":
    points, seconds = int(sys.argv[1]), float(sys.argv[2])
    settings = {"list_points.count": points, "score.pause": seconds / points}
    kaon.run(watched, settings, raises=False)
"""


@dataclass(slots=True)
class Watched:
    """What was seen while a run was watched."""

    pages: dict[str, list[float]] = field(default_factory=dict)
    """Page to the seconds that each answer took."""
    updates: list[float] = field(default_factory=list)
    """Seconds that the server took for each live update."""
    memory: list[int] = field(default_factory=list)
    """Bytes that the server held, every half second."""
    points: int = 0
    """Points that had ended at the end."""

    @property
    def grown(self) -> tuple[int, int]:
        """What the server held once it had settled, and at the end: medians of ten looks each."""
        first = int(len(self.memory) * SETTLED)
        return (
            int(statistics.median(self.memory[first : first + 10])),
            int(statistics.median(self.memory[-10:])),
        )


def watched(points: int = POINTS, seconds: float = SECONDS) -> Watched:
    """Watch a run of so many points that takes so long, and return what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "watched_run.py").write_text(RUN)
        environment = {**os.environ, "PYTHONPATH": IMPORTED_FROM, "KAON_HOME": folder}
        with server(environment) as (address, process), _run(home, environment, points, seconds):
            _await_run(address)
            found = _watch(address, process, seconds)
            found.points = _ended(address)
        return found


def table(found: Watched) -> Table:
    """Return what was seen, beside what must hold."""
    made = Table("", title=f"the pages of a run of {found.points:,} points", title_justify="left")
    for column in ("median", "worst", "must be under"):
        made.add_column(column, justify="right")
    for name, times in found.pages.items():
        made.add_row(name, f"{1000 * statistics.median(times):.0f} ms", f"{1000 * max(times):.0f} ms", "300 ms")
    updates = f"{len(found.updates)} live updates"
    middle, worst = statistics.median(found.updates), max(found.updates)
    made.add_row(updates, f"{1000 * middle:.1f} ms", f"{1000 * worst:.1f} ms", "50 ms")
    before, after = (amount / 2**20 for amount in found.grown)
    made.add_row("memory of the server", f"{before:.0f} MiB", f"{after:.0f} MiB", "flat")
    return made


def _watch(address: str, process: psutil.Process, seconds: float) -> Watched:
    found = Watched()
    over = threading.Event()
    tabs = [
        threading.Thread(target=_tab, args=(f"{address}/runs/1/events{query}", found.updates, over), daemon=True)
        for query in ("", f"?at={LOOP}")
    ]
    for tab in tabs:
        tab.start()
    asked, until = 0, time.monotonic() + seconds
    pages = {"the run": "/runs/1", "its loop": f"/runs/1?at={LOOP}", "the list of runs": "/runs"}
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
        while (left := until - time.monotonic()) > 0:
            found.memory.append(process.memory_full_info().uss)
            if asked < PAGES and left < seconds * (1 - (asked + 1) / (PAGES + 1)):
                asked += 1
                for name, path in pages.items():
                    began = time.perf_counter()
                    client.get(path).raise_for_status()
                    found.pages.setdefault(name, []).append(time.perf_counter() - began)
            time.sleep(0.5)
    over.set()
    for tab in tabs:
        tab.join(10)
    return found


def _tab(url: str, updates: list[float], over: threading.Event) -> None:
    """Read a stream as a browser does, and note what each update took the server."""
    with httpx.stream("GET", url, trust_env=False, timeout=60) as answer:
        for line in answer.iter_lines():
            if told := re.match(r": made in ([\d.]+) ms", line):
                updates.append(float(told[1]) / 1000)
            if over.is_set():
                return


def _ended(address: str) -> int:
    """Return how many points have ended, as the loop's page tells."""
    text = httpx.get(f"{address}/runs/1?at={LOOP}", trust_env=False, timeout=60).text
    told = re.search(r"<dt>Ended</dt><dd>([\d,]+)", text)
    assert told is not None, text[-2000:]
    return int(told[1].replace(",", ""))


def _await_run(address: str) -> None:
    """Wait until the run has begun, and its first page has been made: that one loads what all others use."""
    while httpx.get(f"{address}/runs/1", trust_env=False, timeout=60).status_code == 404:
        time.sleep(0.1)
    httpx.get(f"{address}/runs/1?at={LOOP}", trust_env=False, timeout=60)
    httpx.get(f"{address}/runs", trust_env=False, timeout=60)


@contextmanager
def _run(home: Path, environment: dict[str, str], points: int, seconds: float) -> Iterator[None]:
    command = [sys.executable, str(home / "watched_run.py"), str(points), str(seconds * 0.8)]
    process = subprocess.Popen(command, env=environment, cwd=home)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def server(environment: dict[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    command = [sys.executable, "-m", "kaon.cli", "ui", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[0], psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    seen = watched(int(sys.argv[1]), float(sys.argv[2]))
    Console(width=150).print(table(seen), EXPLAINED, sep="\n")
