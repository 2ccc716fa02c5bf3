"""`kaon cancel`: a run ends, wherever it goes on, and the records say so."""

import json
import time

import psutil
import pytest

from kaon.artifacts import open_store

LOCAL = ("--backend", "local", "--no-mlflow")

STUBBORN = """
import os
import signal
import subprocess
import sys
import time

from kaon import step, workflow


@step(output="done")
def hang(*, seconds: float = 300) -> bool:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    open("child.part", "w").write(str(child.pid))
    os.rename("child.part", "child")
    time.sleep(seconds)
    return True


stubborn = workflow("stubborn", hang)
"""


def described(project, run="1") -> dict:
    return json.loads(project.kaon("status", run, "--json").stdout)


def wait_for_signs_of_life(project, count: int) -> None:
    """Wait until run 1 has said so often that it lives."""
    records = open_store(project.home / "store").records
    seen, until = {records.run(1).heartbeat}, time.monotonic() + 60
    while len(seen) <= count:
        assert time.monotonic() < until
        time.sleep(0.1)
        seen.add(records.run(1).heartbeat)


def test_steps_that_run_may_finish_within_the_grace_period_and_no_others_begin(project, read_until, monkeypatch):
    monkeypatch.setenv("KAON_GRACE", "60")
    running = project.start("run", "flows/demo.py", "fit.pause=300", *LOCAL)
    read_until(running, "fit (market=ca, attempt 1) running")

    cancelling = project.start("cancel", "1")
    read_until(cancelling, "run 1 is asked to end: steps that run have 60 s")
    wait_for_signs_of_life(project, 2)  # it hears of it at the first, and heeds it before the second
    (project.folder / "hurry").touch()
    cancelled, err = cancelling.communicate(timeout=120)
    out, _ = running.communicate(timeout=120)

    run = described(project)
    assert (cancelling.returncode, err) == (0, "")
    assert cancelled == "run 1 of demo cancelled: cancelled with `kaon cancel`\n"
    assert running.returncode == 130
    assert "✓ fit (market=ca, attempt 1) completed" in out
    assert "fit (market=us, attempt 1) running" not in out
    assert run["state"] == "cancelled"
    assert {step["state"] for step in run["steps"]} <= {"completed", "cancelled"}


def test_a_run_that_does_not_react_is_killed_with_all_that_it_started(project, read_until):
    (project.folder / "flows" / "stubborn.py").write_text(STUBBORN)
    running = project.start("run", "flows/stubborn.py", *LOCAL)
    read_until(running, "hang running")
    while not (project.folder / "child").exists():
        time.sleep(0.1)
    child = int((project.folder / "child").read_text())

    cancelled = project.kaon("cancel", "1", "--now")
    running.communicate(timeout=60)

    assert cancelled.returncode == 0, cancelled.stderr
    assert f"killed process {running.pid} and the 1 that it had started\n" in cancelled.stdout
    assert not psutil.pid_exists(child)
    assert (described(project)["state"], described(project)["steps"][0]["state"]) == ("cancelled", "cancelled")


def test_a_cancelled_run_is_continued_with_retry(project, read_until):
    running = project.start("run", "flows/demo.py", "fit.pause=300", "fit.pause_on=us", *LOCAL)
    read_until(running, "fit (market=us, attempt 1) running")
    project.kaon("cancel", "1", "--now")
    running.communicate(timeout=60)
    (project.folder / "hurry").touch()

    retried = project.kaon("retry", "1")

    assert retried.returncode == 0, retried.stderr
    assert "↷ fit (market=ca, attempt 1) skipped: done before in this run" in retried.stdout


@pytest.mark.parametrize(
    ("run", "error"), [("1", "run 1 has already ended: completed\n"), ("99", "there is no run 99\n")]
)
def test_what_cannot_be_cancelled_exits_with_2(ran, call, run, error):
    called = call("cancel", run, project=ran)

    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(error)
