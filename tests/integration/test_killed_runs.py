"""A run killed at any moment leaves a readable store, and the next run continues from what finished."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kaon.artifacts import Store, open_store

PROGRAM = Path(__file__).with_name("killed_run.py")


def begun(store: Path, backend: str, marks: Path, home: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "MARKS": str(marks), "KAON_HOME": str(home)}
    command = [sys.executable, str(PROGRAM), str(store), backend]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)


def kill_when(process: subprocess.Popen[str], marks: Path, count: int, delay: float) -> bool:
    """Kill the process once it has left `count` marks and a moment has passed; return whether it was still running."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if marks.exists() and len(marks.read_text().splitlines()) >= count:
            time.sleep(delay)
            break
        time.sleep(0.005)
    running = process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return running


@pytest.mark.parametrize(("backend", "kills"), [("local", 8), pytest.param("prefect", 2, marks=pytest.mark.prefect)])
def test_a_run_killed_again_and_again_ends_as_an_undisturbed_one(backend: str, kills: int, tmp_path: Path) -> None:
    chance = random.Random(7)
    calm, marks, home = tmp_path / "calm", tmp_path / "marks", tmp_path / "home"
    assert begun(calm, "local", tmp_path / "calm_marks", home).wait(timeout=120) == 0
    for _ in range(kills):
        marked = len(marks.read_text().splitlines()) if marks.exists() else 0
        process = begun(tmp_path / "stormy", backend, marks, home)
        if not kill_when(process, marks, marked + chance.choice([1, 1, 2]), chance.uniform(0, 0.1)):
            break
        assert_every_artifact_is_whole(open_store(tmp_path / "stormy"))

    last = begun(tmp_path / "stormy", backend, marks, home)

    output, _ = last.communicate(timeout=120)
    assert (last.returncode, output) == (0, "150000\n")
    assert last_outputs(tmp_path / "stormy") == last_outputs(calm)
    assert_every_artifact_is_whole(open_store(tmp_path / "stormy"))


def test_a_step_that_finished_before_the_kill_is_not_run_again(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    process = begun(tmp_path / "store", "local", marks, tmp_path / "home")
    kill_when(process, marks, 4, 0.0)
    finished = committed_steps(tmp_path / "store")

    second = begun(tmp_path / "store", "local", marks, tmp_path / "home")

    second.communicate(timeout=120)
    times = Counter(marks.read_text().splitlines())
    assert finished
    assert all(times[name] == 1 for name in finished)
    assert set(times.values()) <= {1, 2}


def test_a_killed_run_is_seen_as_dead_and_not_as_running_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = tmp_path / "marks"
    kill_when(begun(tmp_path / "store", "local", marks, tmp_path / "home"), marks, 2, 0.0)
    records = open_store(tmp_path / "store").records
    records._clock = later(records._clock, seconds=16)

    (run,) = records.runs()

    assert run.state == "failed"
    assert run.reason.startswith("its process died: no sign of life since")
    assert {step.state for step in records.step_runs(run.id)} <= {"completed", "failed"}


def assert_every_artifact_is_whole(store: Store) -> None:
    for run in store.records.runs():
        for _, _, artifact in store.records.outputs(run.id):
            store.get(artifact)


def last_outputs(path: Path) -> Counter[tuple[str, str]]:
    records = open_store(path).records
    return Counter((name, str(artifact.digest)) for _, name, artifact in records.outputs(records.runs(limit=1)[0].id))


def committed_steps(path: Path) -> list[str]:
    """Return the marks of the steps whose outputs were committed."""
    records = open_store(path).records
    names = []
    for _, name, artifact in records.outputs(records.runs(limit=1)[0].id):
        number = int(str(dict(artifact.keys).get("number", 0)))
        marks = {"numbers": "numbers", "squared": f"square {number}", "blob": f"enlarge {number**2}"}
        names.append(marks[name])
    return names


def later(clock: Callable[[], datetime], seconds: float) -> Callable[[], datetime]:
    return lambda: clock() + timedelta(seconds=seconds)
