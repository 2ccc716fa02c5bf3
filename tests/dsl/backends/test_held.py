"""A run stops before a held step until a person has answered, and is continued then."""

from pathlib import Path
from typing import Any

import pytest

from kaon.artifacts import Store, open_store
from kaon.dsl import step, workflow
from kaon.dsl.backends import run


@step(output="model")
def train() -> int:
    return 7


@step(output="report")
def report(model: int) -> str:
    return f"model {model}"


@step(output="published")
def publish(model: int) -> str:
    return f"published {model}"


@step(output="announced")
def announce(published: str) -> str:
    return f"we {published}"


asking = workflow("asking", train >> [publish.held("publish to production?") >> announce, report])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def states(store: Store, run_id: int) -> dict[str, str]:
    return {record.step: record.state for record in store.records.step_runs(run_id)}


def test_a_held_step_stops_what_follows_it_and_nothing_beside_it(store: Store) -> None:
    result = run(asking, store=store)

    assert (result.state, result.reason) == ("held", "publish to production?")
    assert [held.place for held in result.held] == ["asking/publish"]
    assert states(store, result.run_id) == {"train": "completed", "publish": "held", "report": "completed"}
    assert store.records.run(result.run_id).state == "held"


def test_an_approved_run_goes_on_from_where_it_was_held(store: Store) -> None:
    held = run(asking, store=store)
    store.records.decide(held.run_id, True, "ada")

    result = run(asking, store=store, resume=held.run_id)

    assert (result.run_id, result.state, result["announced"]) == (held.run_id, "completed", "we published 7")
    assert states(store, result.run_id) == dict.fromkeys(("train", "report", "publish", "announce"), "completed")


def test_a_run_that_nobody_has_answered_is_held_again(store: Store) -> None:
    held = run(asking, store=store)

    again = run(asking, store=store, resume=held.run_id)

    assert again.state == "held"
    assert [hold.question for hold in store.records.holds(held.run_id)] == ["publish to production?"]


def test_a_declined_step_asks_anew_when_the_run_is_retried(store: Store) -> None:
    held = run(asking, store=store)
    store.records.decide(held.run_id, False, "ada")
    store.records.want(held.run_id, "cancelled")

    again = run(asking, store=store, resume=held.run_id)

    assert again.state == "held"


def test_a_run_can_be_held_before_any_step(store: Store) -> None:
    plain = workflow("plain", train >> report)

    result = run(plain, store=store, hold_before=["report"])

    assert (result.state, result.reason) == ("held", "run report?")


def test_a_step_to_hold_before_must_be_there(store: Store) -> None:
    with pytest.raises(Exception, match="there is no step 'reprot' to hold before") as caught:
        run(workflow("plain", train >> report), store=store, hold_before=["reprot"])

    assert "did you mean 'report'?" in str(caught.value)


def test_a_held_step_shows_in_the_plan() -> None:
    from kaon.dsl.show import as_text

    assert "held until approved: publish to production?" in as_text(asking.plan)


def test_a_question_must_ask_something() -> None:
    with pytest.raises(Exception, match=r"publish\.held\(\) asks nothing"):
        workflow("silent", train >> publish.held(" "))


def test_events_tell_of_a_hold(store: Store) -> None:
    events: list[Any] = []

    run(asking, store=store, on_event=events.append)

    assert [event.reason for event in events if event.state == "held"] == ["publish to production?"] * 2
