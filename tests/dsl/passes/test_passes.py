"""Every pass: what it makes of an expression (tests/plans/<pass>.txt), and that the expression still means the same."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.dsl.passes.printed import printed
from tests.dsl.toys import check, evaluate, find_markets, fine_tune, load, measure, publish, train
from tests.goldens import assert_golden

from kaon.artifacts import open_store
from kaon.dsl import (
    Workflow,
    bootstrap,
    cross_validate,
    for_each,
    parallel,
    passes,
    repeat,
    sequence,
    step,
    sweep,
    when,
    workflow,
)
from kaon.dsl.backends import run
from kaon.dsl.ir import Node, Sequence
from kaon.dsl.passes import PASSES, apply_passes
from kaon.dsl.passes.distinguish_labels import distinguish_labels
from kaon.dsl.passes.expand_points import expand_points
from kaon.dsl.passes.flatten import flatten


@step(output="drawn")
def draw(replicate: int) -> int:
    return replicate


@step(output="left_out")
def leave_out(fold: int, folds: int) -> int:
    return folds - fold


@step(output="good")
def approve(model: Any, *, least: int = 1) -> bool:
    return least > 0


EXAMPLES: dict[Callable[[Node], Node], Workflow] = {
    flatten: workflow(
        "flatten",
        sequence(sequence(load >> train), parallel(find_markets), [[evaluate], sequence(check)])
        >> workflow("nested", lambda: sequence(train) >> [publish])
        >> when("stable").do(sequence(evaluate.named("again"))).otherwise([train.named("better")])
        >> repeat(until="good", at_most=2).do([[approve]]),
    ),
    expand_points: workflow(
        "expand_points",
        load
        >> find_markets
        >> for_each(market="markets").do(measure)
        >> [
            for_each(rank=[1, 2]).do(train),
            sweep(rank=[1, 2], rows=[3, 4]).do(load.named("reload") >> train.named("swept").rename(model="swept")),
            bootstrap(3).do(draw),
            cross_validate(2).do(leave_out),
        ],
    ),
    distinguish_labels: workflow(
        "distinguish_labels",
        load
        >> train
        >> [train.rename(model="second"), sequence(train.rename(model="third"))]
        >> find_markets
        >> for_each(market="markets").do(fine_tune >> fine_tune.rename(local_model="other_model"))
        >> for_each(market="markets").do(fine_tune.rename(local_model="local_again"))
        >> workflow("nested", lambda: train.rename(model="inner"))
        >> workflow("nested", lambda: train.rename(model="inner_again"))
        >> check
        >> when("stable").do(evaluate).otherwise(evaluate)
        >> when("stable").do(evaluate)
        >> repeat(until="good", at_most=2).do(approve)
        >> repeat(until="good", at_most=2).do(approve),
    ),
}
"""For each pass a workflow that it rewrites."""


@pytest.mark.parametrize("rewrite", PASSES, ids=lambda rewrite: rewrite.__name__)
def test_a_pass_rewrites_an_expression_as_its_golden_file_shows(rewrite: Callable[[Node], Node]) -> None:
    before = EXAMPLES[rewrite].ir

    after = rewrite(before)

    assert_golden(f"{rewrite.__name__}.txt", f"before\n\n{printed(before)}\nafter\n\n{printed(after)}")


@pytest.mark.parametrize("rewrite", PASSES, ids=lambda rewrite: rewrite.__name__)
def test_a_pass_applied_twice_changes_nothing_more(rewrite: Callable[[Node], Node]) -> None:
    once = rewrite(EXAMPLES[rewrite].ir)

    again = rewrite(once)

    assert printed(again) == printed(once)


@pytest.mark.parametrize("rewrite", PASSES, ids=lambda rewrite: rewrite.__name__)
def test_a_pass_leaves_the_expression_it_was_given_as_it_was(rewrite: Callable[[Node], Node]) -> None:
    node = EXAMPLES[rewrite].ir
    before = printed(node)

    rewrite(node)

    assert printed(node) == before


def test_a_workflow_runs_to_the_same_outputs_with_flatten_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = EXAMPLES[flatten]
    with_it = _outputs(workflow("copy", lambda: flow))
    monkeypatch.setattr(passes, "PASSES", (expand_points, distinguish_labels))
    without_it = _outputs(workflow("copy", lambda: flow))

    assert with_it == without_it
    assert with_it["score"] == 8.0


@pytest.mark.parametrize("rewrite", PASSES, ids=lambda rewrite: rewrite.__name__)
def test_a_workflow_runs_to_the_same_outputs_if_a_pass_is_applied_beforehand(
    rewrite: Callable[[Node], Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = EXAMPLES[rewrite]
    once = _outputs(workflow("copy", lambda: flow))
    monkeypatch.setattr(passes, "PASSES", (rewrite, *PASSES))
    twice = _outputs(workflow("copy", lambda: flow))

    assert twice == once
    assert once


def test_a_single_step_is_still_a_workflow_after_every_pass() -> None:
    node = apply_passes(workflow("flow", [load]).ir)

    assert isinstance(node, Sequence)
    assert printed(node) == "sequence flow [flow]\n  step load [load]\n"


def _outputs(flow: Workflow) -> dict[str, object]:
    result = run(flow, store=open_store("memory://"))
    return {name: _plain(result[name]) for name in result}


def _plain(value: Any) -> object:
    return {key: _plain(item) for key, item in value.items()} if hasattr(value, "items") else value
