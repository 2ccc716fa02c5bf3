"""The printed forms of a plan, as golden files (tests/plans/shown/)."""

import pytest
from tests.dsl.toys import (
    check,
    choose,
    evaluate,
    find_markets,
    fine_tune,
    for_each,
    load,
    measure,
    publish,
    repeat,
    sweep,
    train,
    when,
    workflow,
)
from tests.goldens import assert_golden
from tests.shapes import SHAPES

from kaon.dsl import Workflow
from kaon.dsl.plan import Absent, Default, Given, Output, Setting, Source, Variable
from kaon.dsl.show import as_mermaid, as_text, source_text

FLOWS = {
    "sequence": workflow("training", load >> train >> evaluate >> publish),
    "markets": workflow(
        "markets",
        [load >> train, find_markets]
        >> for_each(market="markets").do([fine_tune, measure], at_once=2)
        >> choose
        >> [publish, evaluate],
    ),
    "sweep": workflow(
        "tuning", load >> sweep(rank=[8, 16], rows=[1, 2]).do(train >> load.named("reload").rename(ratings="others"))
    ),
    "repeat": workflow(
        "repeating",
        load
        >> repeat(until="stable", at_most=3).do(train.reads(rank="attempt") >> check)
        >> repeat(until="stable", at_most=2).do(
            train.named("again").with_(rank=3) >> check.named("recheck"), exhausted="continue"
        ),
    ),
    "decision": workflow(
        "deciding",
        load
        >> train
        >> check
        >> when("stable").do(publish).otherwise(train.named("again").rename(model="better") >> evaluate),
    ),
    "nested": workflow("outer", load >> workflow("inner", lambda: train >> check) >> publish),
}


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_a_plan_prints_as_text(flow: Workflow) -> None:
    assert_golden(f"shown/{flow.name}.txt", as_text(flow.plan))


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_a_plan_prints_as_mermaid(flow: Workflow) -> None:
    assert_golden(f"shown/{flow.name}.mmd", as_mermaid(flow.plan))


def test_every_shape_of_plan_prints_as_text() -> None:
    shown = {name: as_text(shape.workflow.plan) for name, shape in SHAPES.items()}

    assert_golden("shown/shapes.txt", "\n".join(f"# {name}\n{text}" for name, text in shown.items()))


def test_the_edges_of_a_picture_lead_from_every_end_of_a_part_to_every_start_of_the_next() -> None:
    flow = workflow("flow", [load, find_markets] >> train >> [check, evaluate])

    edges = [line.strip() for line in as_mermaid(flow.plan).splitlines() if "-->" in line]
    assert edges == ["n1 --> n3", "n2 --> n3", "n3 --> n4", "n3 --> n5"]


def test_quotes_do_not_break_a_picture() -> None:
    flow = workflow("flow", for_each(market=['the "US"']).do(measure))

    assert "over 1 points: 'the #quot;US#quot;'" in as_mermaid(flow.plan)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Given("US"), "'US'"),
        (Variable("flow/for_each[market]", "market"), "market of for_each[market]"),
        (Output("flow/load", "ratings"), "ratings of load"),
        (Setting("train.rank"), "setting train.rank"),
        (Default(), "its default"),
        (Absent(), "nothing"),
    ],
)
def test_a_source_is_told_in_words(source: Source, words: str) -> None:
    assert source_text(source) == words
