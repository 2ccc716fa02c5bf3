"""`kaon cancel`: a run ends, wherever it goes on, and the records say so."""

import json
import time

import psutil
import pytest

LOCAL = ("--backend", "local", "--no-mlflow")

STUBBORN = """
import signal
import subprocess
import sys
import time

from kaon import step, workflow


@step(output="done")
def hang(*, seconds: float = 300) -> bool:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    open("child", "w").write(str(child.pid))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    time.sleep(seconds)
    return True


stubborn = workflow("stubborn", hang)
"""


def described(project, run="1") -> dict:
    return json.loads(project.kaon("status", run, "--json").stdout)


def test_steps_that_run_may_finish_within_the_grace_period_and_no_others_begin(project, read_until, monkeypatch):
    monkeypatch.setenv("KAON_GRACE", "60")
    running = project.start("run", "flows/demo.py", "fit.pause=300", *LOCAL)
    read_until(running, "fit (market=ca, attempt 1) running")

    cancelling = project.start("cancel", "1")
    read_until(cancelling, "run 1 is asked to end: steps that run have 60 s")
    time.sleep(5)  # the run hears of it at its next sign of life
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
    time.sleep(0.5)
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
