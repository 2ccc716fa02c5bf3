"""Processes that want the same steps, or the same run, at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.artifacts.stores import empty_postgres

from kaon.artifacts import open_store

CLAIMANT = """
import sys, time
from kaon.artifacts import Begin, Begun, Ending, Found, digest_bytes, open_store

store, made = open_store(sys.argv[1]), 0
lease = store.records.start_run("flow", {}, "{}", "local").lease
waiting = [Begin("flow/step", "step", (("i", i),), key=digest_bytes(b"%d" % i)) for i in range(60)]
while waiting:
    answers = store.begin_steps(lease, waiting[:7])
    endings = [
        Ending(begun.step_run, "completed", outputs=(store.dumped(f"{lease.run}", "by", str),))
        for begun in answers if isinstance(begun, Begun)
    ]
    time.sleep(0.01)
    store.finish_steps(lease, endings)
    made += len(endings)
    later = [call for call, answer in zip(waiting, answers) if not isinstance(answer, (Begun, Found))]
    waiting = waiting[7:] + later
store.records.end_run(lease, "completed")
print(made)
"""


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.postgres)])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    folder = tmp_path / "store"
    return str(folder) if request.param == "file" else f"{folder.as_uri()}?records={empty_postgres()}"


def test_processes_that_want_the_same_steps_make_each_one_once(shared_url: str):
    claimants = [
        subprocess.Popen([sys.executable, "-c", CLAIMANT, shared_url], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    made = [int(claimant.communicate(timeout=120)[0]) for claimant in claimants]

    assert sum(made) == 60
    records = open_store(shared_url).records
    for run in records.runs():
        states = [step.state for step in records.step_runs(run.id)]
        assert len(states) == 60 and set(states) <= {"completed", "skipped"}


def test_the_steps_of_a_killed_process_are_free_for_the_others(shared_url: str):
    slow = CLAIMANT.replace("time.sleep(0.01)", "print('at it', flush=True); time.sleep(600)")
    killed = subprocess.Popen([sys.executable, "-c", slow, shared_url], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None and killed.stdout.readline() == "at it\n"
    waiting = subprocess.Popen([sys.executable, "-c", CLAIMANT, shared_url], stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    assert waiting.poll() is None
    killed.kill()
    killed.communicate()

    assert waiting.communicate(timeout=60)[0] == "60\n"
    records = open_store(shared_url).records
    dead = min(records.runs(), key=lambda run: run.id)
    assert dead.state == "failed" and {step.state for step in records.step_runs(dead.id)} == {"failed"}


def test_of_two_processes_that_take_a_run_over_one_gets_it(shared_url: str):
    store = open_store(shared_url)
    lease = store.records.start_run("flow", {}, "{}", "local").lease
    store.records.end_run(lease, "failed")
    code = """
import sys
from kaon.artifacts import StillRunning, open_store
store = open_store(sys.argv[1])
store.records.runs()
print("ready", flush=True)
sys.stdin.readline()
try:
    print(store.records.take_over(1).generation, flush=True)
except StillRunning:
    print("refused", flush=True)
sys.stdin.readline()
"""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    both: list[Any] = [subprocess.Popen([sys.executable, "-c", code, shared_url], **pipes) for _ in range(2)]
    assert [process.stdout.readline() for process in both] == ["ready\n"] * 2
    for process in both:
        process.stdin.write("now\n")
    said = sorted(process.stdout.readline().strip() for process in both)  # while the one that has it lives
    for process in both:
        process.communicate(timeout=60)

    assert said == ["2", "refused"]
