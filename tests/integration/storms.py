"""Runs that can be killed, and what must hold whenever they were."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil

from kaon.artifacts import TERMINAL, Store, open_store
from kaon.artifacts.collection import collect, garbage
from kaon.artifacts.verification import verify

PROGRAM = Path(__file__).with_name("forked_runs.py")
BOUND = 120.0
"""Seconds after which a run that has not ended is said to hang."""
LOOK = 0.002
"""Seconds between two looks at what a run does."""


@dataclass(frozen=True)
class Forks:
    """The program that forks the runs."""

    process: subprocess.Popen[str]

    def ask(self, **asked: object) -> int | None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer: int | None = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def forks() -> Iterator[Forks]:
    """Start the program for as long as the block runs."""
    command = [sys.executable, str(PROGRAM)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        yield Forks(process)
        process.stdin.close()


@dataclass
class Run:
    """The process of a run."""

    forks: Forks
    pid: int
    status: int | None = None

    @property
    def lives(self) -> bool:
        if self.status is None:
            self.status = self.forks.ask(ended=self.pid)
        return self.status is None

    def send(self, number: signal.Signals) -> bool:
        """Send a signal; returns whether the process was there to take it."""
        if self.lives:
            os.kill(self.pid, number)
            return True
        return False

    def kill(self) -> bool:
        """Kill the process itself, as the kernel does when memory runs out; its workers have to end by themselves."""
        killed = self.send(signal.SIGKILL)
        self.wait()
        return killed and self.status == -signal.SIGKILL

    def wait(self) -> int:
        """Return the exit status."""
        until(lambda: not self.lives, f"process {self.pid} does not end")
        assert self.status is not None
        return self.status


@dataclass
class Place:
    """Where runs of one storm work, and what was seen there."""

    forks: Forks
    folder: Path
    store_url: str = ""
    many: int = 40
    """Items of its loops."""
    environment: dict[str, str] = field(default_factory=dict)
    committed: dict[str, int] = field(default_factory=dict)
    """The marks of the steps that were seen as committed, and how often each had run by then."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store_url = self.store_url or str(self.folder / "store")
        self.environment = {
            "KAON_WIDE": "10",
            "KAON_GRACE": "0.5",
            "KAON_HOME": str(self.folder / "home"),
            **self.environment,
            "MARKS": str(self.folder / "marks"),
            "LOG": str(self.folder / "log"),
        }

    @property
    def store(self) -> Store:
        return open_store(self.store_url)

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def start(self, resume: int | None = None, backend: str = "local") -> Run:
        asked = {"store": self.store_url, "many": self.many, "backend": backend, "environment": self.environment}
        pid = self.forks.ask(**asked, resume=resume)
        assert pid is not None
        return Run(self.forks, pid)

    def newest(self) -> int | None:
        """Return the newest run."""
        runs = self.store.records.runs(limit=1)
        return runs[0].id if runs else None

    def marks(self) -> Counter[str]:
        path = self.folder / "marks"
        return Counter(path.read_text().splitlines() if path.exists() else ())

    def wait_for_marks(self, run: Run, more: int) -> None:
        """Return when so many more steps have run, or the run has ended."""
        wanted = self.marks().total() + more
        until(lambda: self.marks().total() >= wanted or not run.lives, "no step ends")

    def look(self) -> None:
        """Note what is committed now, and how often it has run, and assert that nothing stored is torn or lost."""
        check_whole(self.store)
        records = self.store.records
        rows = [row for run in records.runs() for row in records.step_runs(run.id, states=["completed"], history=True)]
        marks = self.marks()  # afterwards: a run that lives goes on meanwhile
        for row in rows:
            mark = " ".join(map(str, (row.step, *(value for _, value in row.keys), *row.attempt)))
            self.committed.setdefault(mark, marks[mark])


def until(holds: Callable[[], bool], otherwise: str) -> None:
    """Wait until it holds. Raises AssertionError after BOUND."""
    deadline = time.monotonic() + BOUND
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(LOOK)


def storm(
    place: Place, chance: random.Random, strikes: int, strike: Callable[[Run], bool], *, anew: float = 0.25
) -> int:
    """Start a run and strike it at a random instant, again and again, then let the last one come to its end.

    strike: does the harm, and returns whether it struck. Returns how often it did.
    anew: how likely the next run is a new one, and not the last one resumed.
    """
    struck = 0
    for _ in range(strikes):
        newest = place.newest()
        run = place.start(resume=newest if chance.random() >= anew else None)
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0, 0.2))
        else:
            place.wait_for_marks(run, chance.randrange(20))
            time.sleep(chance.uniform(0, 0.02))
        struck += strike(run)
        place.look()
        if run.status == 0:
            break
    last = place.start(resume=None if run.status == 0 else place.newest())
    assert last.wait() == 0, place.log
    return struck


def outputs(place: Place, run_id: int) -> dict[tuple[object, ...], str]:
    """Return the digest of every output of a run, by where it was made and its name."""
    records = place.store.records
    rows = {row.id: row for row in records.step_runs(run_id, history=True)}
    found = {}
    for step_run, name, artifact in records.outputs(run_id):
        row = rows[step_run]
        found[row.path, row.keys, row.attempt, name] = str(artifact.digest)
    return found


def check_promises(place: Place, calm: Place) -> None:
    """Assert everything that Kaon promises of the runs of a storm, the last of which has completed.

    calm: the place of one run that nobody disturbed.
    """
    records, run_id, calm_id = place.store.records, place.newest(), calm.newest()
    assert run_id is not None and calm_id is not None
    assert records.run(run_id).state == "completed"
    rows = records.step_runs(run_id)
    expected = [(row.path, row.keys, row.attempt) for row in calm.store.records.step_runs(calm_id)]
    assert Counter((row.path, row.keys, row.attempt) for row in rows) == Counter(expected), "each call ends once"
    assert {row.state for row in rows} <= {"completed", "skipped"}
    every = [row for run in records.runs() for row in records.step_runs(run.id, history=True)]
    assert {row.state for row in every} <= TERMINAL
    committed = Counter(row.key for row in every if row.state == "completed")
    assert set(committed.values()) == {1}, "nothing is committed twice"
    marks = place.marks()
    assert {mark: marks[mark] for mark in place.committed} == place.committed, "what is committed does not run again"
    assert set(marks) == set(calm.marks())
    assert outputs(place, run_id) == outputs(calm, calm_id), "no artifact differs"
    check_whole(place.store)
    collect(place.store, garbage(place.store, timedelta(0)))
    check_whole(place.store)


def check_whole(store: Store) -> None:
    """Assert that every byte of every artifact is there."""
    found = verify(store)
    assert (found.damaged, found.damaged_unnamed, found.missing) == ((), (), ())


def processes_of(place: Place) -> list[psutil.Process]:
    """Return the processes that the runs of a place have left."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARKS") == place.environment["MARKS"] and process.status() != "zombie":
                found.append(process)
        except psutil.Error:
            continue
    return found


def check_nothing_runs(place: Place) -> None:
    """Assert that no process of the place's runs is left, or that it ends within seconds."""
    until(lambda: not processes_of(place), "a process is left")
