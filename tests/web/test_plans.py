"""A plan is read from its JSON, stands as the records say, and is laid out as a picture."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from tests.web import flows

from kaon.artifacts import PathProgress, RunOverview, RunRecord, State
from kaon.artifacts.web.plans.nodes import defaults_of, facts_of
from kaon.artifacts.web.plans.picture import picture_of
from kaon.artifacts.web.plans.standing import standings
from kaon.dsl import Workflow

START = datetime(2026, 1, 31, tzinfo=UTC)
PLANS = [flows.learning, flows.searching, flows.deciding]


def overview(state: State, **counts: dict[State, int]) -> RunOverview:
    """Return how a run of `learning` is, with the counts of its steps by their names."""
    ended = None if state in ("running", "held") else START
    run = RunRecord(1, "learning", {}, "", "local", {}, state, "", 0, "", START, START, ended)
    places = {path.rpartition("/")[2]: path for path in facts_of(flows.learning.plan.to_json()).calls}
    paths = [
        PathProgress(places[name], name, 6 if name == "fit_market" else 1, found, START, START, 0.0, timedelta())
        for name, found in counts.items()
    ]
    return RunOverview(run, tuple(paths), ())


def states(found: RunOverview) -> dict[str, State]:
    standing = standings(facts_of(flows.learning.plan.to_json()), found)
    return {path.rpartition("/")[2]: one.state for path, one in standing.items()}


def test_a_step_that_has_not_begun_is_pending() -> None:
    found = states(overview("running", load={"running": 1}))

    assert (found["load"], found["split"], found["for_each[market]"]) == ("running", "pending", "pending")


def test_a_join_is_activated_when_some_of_its_branches_are_done() -> None:
    found = states(
        overview(
            "running", train={"completed": 1}, fit_market={"completed": 2, "running": 1}, count_popular={"skipped": 1}
        )
    )

    assert found["report"] == "activated"
    assert found["page"] == "pending"
    assert found["for_each[market]"] == "running"


def test_nothing_is_activated_once_the_run_has_ended() -> None:
    assert states(overview("failed", train={"failed": 1}, count_popular={"completed": 1}))["report"] == "pending"


def test_a_loop_goes_on_until_all_its_items_have_ended() -> None:
    assert states(overview("running", fit_market={"completed": 2}))["fit_market"] == "running"
    assert states(overview("running", fit_market={"completed": 6}))["fit_market"] == "completed"


def test_one_failed_item_makes_the_loop_failed_unless_the_run_went_on_without() -> None:
    items: dict[State, int] = {"completed": 5, "failed": 1}

    assert states(overview("failed", fit_market=items))["for_each[market]"] == "failed"
    assert states(overview("completed", fit_market=items))["for_each[market]"] == "completed"


def test_defaults_are_those_of_the_schema() -> None:
    defaults = facts_of(flows.learning.plan.to_json()).defaults

    assert (defaults["train.rank"], defaults["fit_market.bad_market"]) == (8, "")


@pytest.mark.parametrize("broken", ["", "{}", "[]", "not JSON", '{"root": null}', '{"root": {"node": "chain"}}'])
def test_a_run_whose_plan_cannot_be_read_has_an_empty_plan(broken: str) -> None:
    assert not facts_of(broken).calls


@pytest.mark.parametrize("workflow", PLANS, ids=lambda one: one.name)
def test_every_step_has_its_place_and_none_lies_on_another(workflow: Workflow) -> None:
    facts = facts_of(workflow.plan.to_json())
    picture = picture_of(facts.root)

    assert [step.path for step in picture.steps] == [call.path for call in workflow.plan.calls()]
    for one, other in combinations(picture.steps, 2):
        beside = one.x + one.width < other.x or other.x + other.width < one.x
        assert beside or one.y + one.height < other.y or other.y + other.height < one.y, (one, other)


@pytest.mark.parametrize("workflow", PLANS, ids=lambda one: one.name)
def test_everything_lies_inside_the_picture_and_a_loop_around_its_steps(workflow: Workflow) -> None:
    facts = facts_of(workflow.plan.to_json())
    picture = picture_of(facts.root)

    for part in (*picture.steps, *picture.boxes):
        assert part.x >= 0 and part.y >= 0
        assert part.x + part.width <= picture.width and part.y + part.height <= picture.height
    boxes = {box.path: box for box in picture.boxes}
    for step in picture.steps:
        for box in (boxes[path] for path in facts.around[step.path]):
            assert box.x < step.x and step.x + step.width < box.x + box.width
            assert box.y < step.y and step.y + step.height < box.y + box.height


def test_a_sequence_goes_from_left_to_right_and_branches_are_stacked() -> None:
    places = {
        step.path.rpartition("/")[2]: step for step in picture_of(facts_of(flows.learning.plan.to_json()).root).steps
    }

    assert places["load"].x < places["split"].x < places["train"].x < places["report"].x
    assert places["train"].y < places["count_popular"].y
    assert places["train"].x == places["count_popular"].x


def test_a_parameter_that_is_a_model_has_a_default_as_a_whole() -> None:
    schema = {
        "properties": {"reranking": {"$ref": "#/$defs/Reranking", "default": {"pool": 100}}},
        "$defs": {"Reranking": {"properties": {"pool": {"default": 100}}}},
    }

    assert defaults_of(schema)["reranking"] == {"pool": 100}
