"""`kaon approve`: a run stops before a step, and goes on, or ends, as a person says."""

import getpass
import json

import pytest

LOCAL = ("--backend", "local", "--no-mlflow")

PUBLISH = """
import time
from pathlib import Path

from kaon import step, workflow
from steps.work import add, find


@step
def publish(total: int, *, to: str = "production") -> None:
    print(f"published {total} to {to}")


@step
def announce(total: int) -> None:
    pass


@step(output="worked")
def work() -> bool:
    while not Path("hurry").exists():
        time.sleep(0.05)
    return True


shop = workflow("shop", find >> add >> [publish.held("publish to production?"), announce.held("tell everybody?")])
"""
BUSY = 'busy = workflow("busy", find >> add >> [publish.held("publish to production?"), work])\n'


@pytest.fixture
def held(project):
    """A project with a run that waits before two steps."""
    (project.folder / "flows" / "shop.py").write_text(PUBLISH)
    ended = project.kaon("run", "flows/shop.py:shop", *LOCAL)
    assert ended.returncode == 3, ended.stderr
    return project


def test_a_run_that_is_held_exits_with_3_and_says_what_it_asks_and_how_to_answer(held):
    status = held.kaon("status", "1").stdout
    described = json.loads(held.kaon("status", "1", "--json").stdout)

    assert "‖ publish waits: publish to production?\n‖ announce waits: tell everybody?\n" in status
    assert "  yes        kaon approve 1\n  no         kaon approve 1 --reject\n" in status
    assert "run 1 of shop held\n" in status
    assert described["state"] == "held"
    assert [hold["question"] for hold in described["holds"]] == ["publish to production?", "tell everybody?"]
    assert held.kaon("watch", "1").returncode == 3


def test_an_approved_run_goes_on_and_the_answer_is_recorded_with_the_name(held):
    approved = held.kaon("approve", "1")

    holds = json.loads(held.kaon("status", "1", "--json").stdout)["holds"]
    assert approved.returncode == 0, approved.stderr
    assert approved.stdout.startswith("‖ publish  publish to production?  (asked ")
    assert f"\napproved by {getpass.getuser()}\n" in approved.stdout
    assert "✓ publish completed" in approved.stdout
    assert "run 1 of shop completed" in approved.stdout
    assert {(hold["approved"], hold["by"]) for hold in holds} == {(True, getpass.getuser())}
    assert "published 6 to production" in held.kaon("logs", "1", "publish").stdout


def test_one_of_several_questions_can_be_answered(held):
    approved = held.kaon("approve", "1", "--step", "publish")
    misspelt = held.kaon("approve", "1", "--step", "anounce")

    assert approved.returncode == 3
    assert "✓ publish completed" in approved.stdout
    assert "‖ announce waits: tell everybody?" in approved.stdout
    assert misspelt.returncode == 2
    assert misspelt.stderr == "run 1 does not wait before 'anounce'\n\n  fix: did you mean 'announce'?\n"


def test_a_rejected_run_ends_as_cancelled_and_a_retry_asks_again(held):
    rejected = held.kaon("approve", "1", "--reject")
    described = json.loads(held.kaon("status", "1", "--json").stdout)
    retried = held.kaon("retry", "1")

    states = {step["step"]: (step["state"], step["reason"]) for step in described["steps"]}
    assert rejected.returncode == 130
    assert f"rejected by {getpass.getuser()}\n" in rejected.stdout
    assert described["state"] == "cancelled"
    assert states["publish"] == ("cancelled", f"declined by {getpass.getuser()}")
    assert (retried.returncode, "publish running" in retried.stdout) == (3, False)


def test_hold_before_stops_before_any_step_and_before_each_of_its_attempts(project):
    held = project.kaon("run", "flows/demo.py", "--hold-before", "choose", *LOCAL)
    approved = project.kaon("approve", "last")
    finished = project.kaon("approve", "last")

    assert held.returncode == 3, held.stderr
    assert "‖ repeat[1]/choose waits: run choose?" in held.stdout
    assert approved.returncode == 3, approved.stderr
    assert "‖ repeat[2]/choose waits: run choose?" in approved.stdout
    assert finished.returncode == 0, finished.stderr


def test_a_step_to_hold_before_that_is_not_there_is_refused(project):
    held = project.kaon("run", "flows/demo.py", "--hold-before", "chose", *LOCAL)

    assert (held.returncode, held.stderr) == (
        2,
        "there is no step 'chose' to hold before\n\n  fix: did you mean 'choose'?\n",
    )


def test_a_run_that_still_runs_other_steps_goes_on_once_they_have_ended(project, read_until):
    (project.folder / "flows" / "shop.py").write_text(PUBLISH + BUSY)
    running = project.start("run", "flows/shop.py:busy", *LOCAL)
    read_until(running, "work running")

    approving = project.start("approve", "1")
    read_until(approving, "run 1 still runs other steps: waiting for them")
    (project.folder / "hurry").touch()
    running.communicate(timeout=120)
    out, err = approving.communicate(timeout=120)

    assert (running.returncode, approving.returncode, err) == (3, 0, "")
    assert "↷ work skipped: done before in this run" in out
    assert "✓ publish completed" in out


def test_a_run_that_waits_for_nobody_says_so(ran, call):
    called = call("approve", "1", project=ran)

    assert (called.code, called.out) == (2, "")
    assert called.err == (
        "run 1 waits for nobody\n\n  why: it is completed\n  fix: kaon runs lists the runs that are held\n"
    )
