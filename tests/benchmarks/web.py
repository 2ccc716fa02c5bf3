"""What the pages of a run of many points cost: until the last byte, for each live update, and in memory over time.

python -m tests.benchmarks web, or for longer: python -m tests.benchmarks.web POINTS SECONDS [KIND …], as in

    python -m tests.benchmarks.web 10000 600 sweep

Of each kind (loop, steps, sweep) a run of so many points goes on for four fifths of so many seconds, while `kaon ui`
serves two tabs that watch it all the time. Every update says in a comment of the stream what it took the server: on the
clock, whatever else the machine does meanwhile, and of the processor. In the end another server, which has read nothing
yet, is asked for each page once.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

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
FIRST_PAINT, UPDATE = 0.3, 0.05
"""Seconds that must not be reached."""
EACH_POINT = 2560
"""Bytes for each new point that may come to what the server holds; anything above that is not flat."""

EXPLAINED = f"""Pages: until the last byte, over HTTP on the loopback; first: by a server that has read nothing yet.
Updates: what the server took for one, as it says. Whether a limit is met is told by the worst, on the clock.
Memory: what the server alone holds (USS) when a fifth of the time is over and at the end; flat: no more than 2 % and
{EACH_POINT / 1024:g} KiB for each point that has come meanwhile, which it and the cache of its database keep."""

RUN = """
import sys, time
import kaon
from kaon.artifacts import Metrics

@kaon.step(output="points")
def list_points(*, count: int = 10) -> list[int]:
    return list(range(count))

def scored(point: int) -> Metrics:
    print(f"scored {point}")
    if point % 500 == 499:
        raise ValueError(f"point {point} is bad")
    return Metrics({"value": float(point), "loss": 1 / (1 + point)})

@kaon.step(output="score")
def score(point: int, *, pause: float = 0.0) -> Metrics:
    time.sleep(pause)
    return scored(point)

@kaon.step(output="half")
def halve(point: int) -> float:
    return point / 2

@kaon.step(output="score")
def score_half(point: int, half: float, *, pause: float = 0.0) -> Metrics:
    time.sleep(pause)
    return scored(point)

@kaon.step(output="score")
def score_setting(x: float, y: float, z: int, *, pause: float = 0.0) -> Metrics:
    time.sleep(pause)
    return scored(round(100 * x + 10 * y + z))

if __name__ == "__main__":
    kind, points, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    all_the_same = {"on_failure": "continue", "min_success": 0.5}
    if kind == "sweep":
        tens = [float(n) for n in range(10)]
        axes = {"x": [float(n) for n in range(-(-points // 100))], "y": tens, "z": list(range(10))}
        body, step, settings = kaon.sweep(**axes).do(score_setting, **all_the_same), "score_setting", {}
    else:
        inside, step = (score, "score") if kind == "loop" else (halve >> score_half, "score_half")
        body = list_points >> kaon.for_each(point="points").do(inside, **all_the_same)
        settings = {"list_points.count": points}
    kaon.run(kaon.workflow("watched", body), {**settings, f"{step}.pause": seconds / points}, raises=False)
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of run, and where it is watched."""

    title: str
    loop: str
    """Plan path of its loop, as addresses have it."""
    tabs: tuple[str, ...]
    pages: dict[str, str]


def _kind(title: str, loop: str) -> Kind:
    at = f"/runs/1?at={loop}"
    pages = {"its loop": at, "the run": "/runs/1", "the list of runs": "/runs"}
    return Kind(title, loop, ("/runs/1/events", f"/runs/1/events?at={loop}"), pages)


SWEPT = "watched/sweep%5Bx,y,z%5D"
KINDS = {
    "loop": _kind("a loop of one step", "watched/for_each%5Bpoint%5D"),
    "steps": _kind("a loop of two steps", "watched/for_each%5Bpoint%5D"),
    "sweep": Kind(
        "a sweep",
        SWEPT,
        ("/sweeps/1/events", "/runs/1/events"),
        {"the sweep": "/sweeps/1", "the run": "/runs/1", "the list of sweeps": "/sweeps"},
    ),
}


class Took(NamedTuple):
    """Seconds that the server took for something."""

    clock: float
    processor: float


@dataclass(slots=True)
class Watched:
    """What was seen while a run was watched."""

    kind: Kind
    pages: dict[str, list[float]] = field(default_factory=dict)
    """Page to the seconds that each answer took."""
    first: dict[str, Took] = field(default_factory=dict)
    """Page to what it took a server that had read nothing."""
    updates: list[Took] = field(default_factory=list)
    """What each live update took."""
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

    @property
    def is_flat(self) -> bool:
        """Whether memory stayed what it was, but for the points."""
        before, after = self.grown
        return after <= 1.02 * before + EACH_POINT * (1 - SETTLED) * self.points


def watched(kind: str = "loop", points: int = POINTS, seconds: float = SECONDS) -> Watched:
    """Watch a run of a kind, of so many points, that takes so long, and return what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "watched_run.py").write_text(RUN)
        environment = {**os.environ, "PYTHONPATH": IMPORTED_FROM, "KAON_HOME": folder}
        found = Watched(KINDS[kind])
        with server(environment) as (address, process):
            command = [sys.executable, str(home / "watched_run.py"), kind, str(points), str(0.8 * seconds)]
            with _process(command, environment, home):
                _await_run(address, found.kind)
                _watch(address, process, seconds, found)
                found.points = _ended(address, found.kind)
        with server(environment) as (address, process), _client(address) as client:
            client.get("/login")  # which reads nothing, and is answered once the server has started
            for name, path in found.kind.pages.items():
                before = sum(process.cpu_times()[:2])
                found.first[name] = Took(_asked(client, path), sum(process.cpu_times()[:2]) - before)
    return found


def table(seen: Sequence[Watched]) -> Table:
    """Return what was seen, beside what must hold."""
    made = Table("", title="the pages of runs with many points", title_justify="left")
    for column in ("median", "99 %", "worst", "worst, of the processor", "must be under", ""):
        made.add_column(column, justify="right")
    for found in seen:
        made.add_row(f"[b]{found.kind.title}: {found.points:,} points[/b]")
        for name, times in found.pages.items():
            _add(made, name, times, "", FIRST_PAINT)
        for name, took in found.first.items():
            _add(made, f"{name}, first", [took.clock], _ms(took.processor), FIRST_PAINT)
        processor = _ms(max(took.processor for took in found.updates))
        _add(made, f"{len(found.updates)} live updates", [took.clock for took in found.updates], processor, UPDATE)
        before, after = (f"{amount / 2**20:.1f} MiB" for amount in found.grown)
        made.add_row("memory of the server", before, "", after, "", "flat", _verdict(found.is_flat))
        made.add_section()
    return made


def _add(made: Table, name: str, times: Sequence[float], processor: str, limit: float) -> None:
    ordered = sorted(times)
    shown = (statistics.median(ordered), ordered[int(0.99 * (len(ordered) - 1))], ordered[-1])
    made.add_row(name, *map(_ms, shown), processor, _ms(limit), _verdict(ordered[-1] < limit))


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def _verdict(met: bool) -> str:
    return "met" if met else "[b]NOT MET[/b]"


def _watch(address: str, process: psutil.Process, seconds: float, found: Watched) -> None:
    over = threading.Event()
    tabs = [
        threading.Thread(target=_tab, args=(f"{address}{path}", found.updates, over), daemon=True)
        for path in found.kind.tabs
    ]
    for tab in tabs:
        tab.start()
    asked, until = 0, time.monotonic() + seconds
    with _client(address) as client:
        while (left := until - time.monotonic()) > 0:
            found.memory.append(process.memory_full_info().uss)
            if asked < PAGES and left < seconds * (1 - (asked + 1) / (PAGES + 1)):
                asked += 1
                for name, path in found.kind.pages.items():
                    found.pages.setdefault(name, []).append(_asked(client, path))
            time.sleep(0.5)
    over.set()
    for tab in tabs:
        tab.join(20)


def _tab(url: str, updates: list[Took], over: threading.Event) -> None:
    """Read a stream as a browser does, and note what each update took the server."""
    with httpx.stream("GET", url, trust_env=False, timeout=60) as answer:
        for line in answer.iter_lines():
            if told := re.match(r": made in ([\d.]+) ms, ([\d.]+) ms", line):
                updates.append(Took(float(told[1]) / 1000, float(told[2]) / 1000))
            if over.is_set():
                return


def _client(address: str) -> httpx.Client:
    return httpx.Client(base_url=address, trust_env=False, timeout=60)


def _asked(client: httpx.Client, path: str) -> float:
    """Return the seconds until the last byte of a page."""
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return time.perf_counter() - began


def _ended(address: str, kind: Kind) -> int:
    """Return how many points have ended, as the loop's page tells."""
    text = httpx.get(f"{address}/runs/1?at={kind.loop}", trust_env=False, timeout=60).text
    told = re.search(r"<dt>Ended</dt><dd>([\d,]+)", text)
    assert told is not None, text[-2000:]
    return int(told[1].replace(",", ""))


def _await_run(address: str, kind: Kind) -> None:
    """Wait until the run has begun, and its first page has been made: that one loads what all others use."""
    with _client(address) as client:
        while client.get("/runs/1").status_code == 404:
            time.sleep(0.1)
        for path in kind.pages.values():
            client.get(path)


@contextmanager
def _process(command: Sequence[str], environment: dict[str, str], folder: Path) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, cwd=folder)
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
    chosen = sys.argv[3:] or list(KINDS)
    seen = [watched(kind, int(sys.argv[1]), float(sys.argv[2])) for kind in chosen]
    Console(width=150).print(table(seen), EXPLAINED, sep="\n")
