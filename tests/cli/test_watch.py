"""`kaon watch`: a run seen through its records, from another process than its own."""

import re
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from kaon import for_each, open_store, repeat, run, step, workflow
from kaon.artifacts import Store
from kaon.cli.reading import Reading
from kaon.dsl.backends import Engine
from kaon.dsl.events import Event, ItemsEvent, RunEvent, StepEvent


@step(output="points")
def find(*, many: int = 3) -> list[int]:
    return list(range(many))


@step(output="score")
def train(point: int) -> float:
    if point % 100 == 7:
        raise ValueError(f"no ratings for {point}")
    return point / 2


@step(output="good")
def judge(score: Mapping[int, float], attempt: int) -> bool:
    return attempt > 1


tolerant = for_each(point="points").do(train, on_failure="continue", min_success=0.8)
search = workflow("search", find >> repeat(until="good", at_most=3).do(tolerant >> judge))
sweep = workflow("sweep", find >> tolerant)
LOCAL = ("--backend", "local", "--no-mlflow")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def ended(events: list[Event]) -> set[object]:
    """Return how steps ended, without the time that they took."""
    return {
        (event.path, event.keys, event.attempts, event.state, event.reason)
        for event in events
        if isinstance(event, StepEvent) and event.state != "running"
    }


def test_the_records_tell_what_the_runs_own_process_tells(store):
    told: list[Event] = []
    result = run(search, {"find.many": 12}, store=store, on_event=told.append)

    read = Reading(store, result.run_id).look()

    assert ended(read) == ended(told)
    assert [event for event in read if isinstance(event, RunEvent)] == [told[-1]]


def test_of_a_wide_loop_only_the_numbers_and_the_latest_failures_are_read(store):
    result = run(sweep, {"find.many": 300}, store=store, engine=Engine(wide=50))

    read = Reading(store, result.run_id).look()

    [items] = [event for event in read if isinstance(event, ItemsEvent)]
    assert (items.path, items.total) == ("sweep/for_each[point]/train", 300)
    assert items.counts == {"completed": 297, "failed": 3}
    inside = [event for event in read if isinstance(event, StepEvent) and event.keys]
    assert [(event.keys, event.state) for event in inside] == [((("point", n),), "failed") for n in (7, 107, 207)]


def test_a_further_look_tells_only_what_is_new(store):
    reading: list[Reading] = []

    def look(event: Event) -> None:
        if isinstance(event, RunEvent) and not reading:
            reading.append(Reading(store, event.run_id))
        looks.append(reading[0].look())

    looks: list[list[Event]] = []
    run(search, store=store, on_event=look)

    everything = [event for events in looks for event in events if isinstance(event, StepEvent)]
    assert len(everything) == len({(e.path, e.keys, e.attempts, e.state) for e in everything})
    assert {event.step for event in everything} == {"find", "train", "judge"}
    assert reading[0].look() == []


def test_a_run_is_watched_from_another_terminal_until_it_ends_and_the_exit_code_is_the_runs(project):
    running = project.start("run", "flows/demo.py", "fit.pause=4", "fit.fail_on=us", *LOCAL)
    assert running.stdout is not None
    running.stdout.readline()

    watched = project.kaon("watch", "last")

    running.communicate()
    assert (watched.returncode, running.returncode, watched.stderr) == (1, 1, "")
    assert "● fit (market=us, attempt 1) running" in watched.stdout
    assert re.search(r"✓ fit \(market=ca, attempt 1\) completed in ([4-9]\.|\d\d)", watched.stdout)
    assert "✗ fit (market=us, attempt 1) failed: ValueError: cannot fit us" in watched.stdout
    assert "run 1 of demo failed in" in watched.stdout
    assert "  continue   kaon retry 1\n" in watched.stdout


def test_a_run_that_has_ended_is_shown_as_it_ended(ran_wide, call):
    watched = call("watch", "1", project=ran_wide)

    assert watched.code == 0
    assert "100%: 297 completed, 3 failed, in " in watched.out
    assert "run 1 of wide completed in" in watched.out


def test_ctrl_c_ends_the_watching_and_not_the_run(project, read_until):
    running = project.start("run", "flows/demo.py", "fit.pause=300", *LOCAL)
    read_until(running, "● run 1")
    watching = project.start("watch", "1")
    read_until(watching, "● run 1")

    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=60)

    assert (watching.returncode, err) == (130, "")
    assert out.endswith("run 1 goes on; `kaon cancel 1` ends it\n")
    (project.folder / "hurry").touch()
    running.communicate(timeout=120)
    assert running.returncode == 0
