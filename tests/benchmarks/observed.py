"""A command as seen from outside: when it began, what it marked, when it ended, and the memory of all its processes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
IMPORTED_FROM = os.pathsep.join((str(ROOT), str(ROOT / "src")))
EVERY = 0.2
"""Seconds between two looks at the memory."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One run of a command; moments are seconds since the epoch."""

    launched: float
    ended: float
    marks: Mapping[str, float]
    """The first time of each moment that the command marked."""
    memory: int
    """The most that its processes, and those that served it, took at once: bytes of proportional set size."""


def observe(command: Sequence[str], folder: Path, *, serving: Sequence[int] = (), **environment: str) -> Observed:
    """Run a command to its end and return what was seen of it.

    folder: takes its marks and its output.
    serving: processes that belong to it and that it did not start: its server.

    Raises RuntimeError with the end of its output if it fails.
    """
    marks, log = folder / "marks", folder / "log"
    marks.unlink(missing_ok=True)
    launched = time.time()
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=_environment(marks, environment), cwd=folder, stdout=output, stderr=output
        )
        watch = _Watch((process.pid, *serving))
        watch.start()
        failed = process.wait()
        ended = time.time()
        watch.over.set()
        watch.join()
    if failed:
        raise RuntimeError(f"{' '.join(command)} ended with {failed}:\n{log.read_text()[-3000:]}")
    return Observed(launched, ended, _read_marks(marks), watch.most)


def answer(command: Sequence[str], folder: Path, **environment: str) -> str:
    """Return what a command prints.

    Raises RuntimeError with the end of its output if it fails.
    """
    asked = subprocess.run(
        command, env=_environment(folder / "marks", environment), cwd=folder, capture_output=True, text=True
    )
    if asked.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {asked.returncode}:\n{asked.stderr[-3000:]}")
    return asked.stdout.strip()


def script(name: str) -> list[str]:
    """Return the start of the command that runs a contender."""
    return [sys.executable, str(Path(__file__).with_name("peers") / f"{name}.py")]


def _environment(marks: Path, changes: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": IMPORTED_FROM, "BENCHMARK_MARKS": str(marks), **changes}


class _Watch(threading.Thread):
    """Looks at the memory of processes and of all below them."""

    def __init__(self, roots: Sequence[int]) -> None:
        super().__init__(daemon=True)
        self.roots = roots
        self.over = threading.Event()
        self.most = 0

    def run(self) -> None:
        while not self.over.wait(EVERY):
            self.most = max(self.most, sum(map(_proportional_set_size, self._processes())))

    def _processes(self) -> set[int]:
        found = set(self.roots)
        for root in self.roots:
            with suppress(psutil.Error):
                found |= {child.pid for child in psutil.Process(root).children(recursive=True)}
        return found


def _proportional_set_size(pid: int) -> int:
    """Return the bytes of a process, what it shares with others counted in parts; 0 if it has just ended."""
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _read_marks(path: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        moment, _, at = line.partition(" ")
        found.setdefault(moment, float(at))
    return found
