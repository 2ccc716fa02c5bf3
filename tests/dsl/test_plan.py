"""The plan as data: JSON that reads back, and the walk over its nodes."""

import json
from collections.abc import Mapping

import pytest
from tests.dsl.toys import Model, check, evaluate, for_each, load, publish, repeat, step, train, when
from tests.shapes import SHAPES, Shape

from kaon.dsl import Plan, workflow
from kaon.dsl.plan import VERSION, Attempts, Branch, Call, Chain, Fork, Loop, children, walk


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_json_of_a_plan_reads_back_to_an_equal_plan(shape: Shape) -> None:
    plan = shape.workflow.plan

    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_node_that_makes_outputs_has_a_path_of_its_own(shape: Shape) -> None:
    nodes = [node for node in walk(shape.workflow.plan.root) if isinstance(node, Call | Loop | Attempts | Branch)]

    paths = [node.path for node in nodes]
    assert len(set(paths)) == len(paths)
    assert all(path.startswith(f"{shape.workflow.name}/") for path in paths)


def test_a_plan_can_be_printed_with_an_indentation() -> None:
    plan = workflow("flow", load).plan

    assert plan.to_json(indent=2).startswith('{\n  "workflow": "flow"')
    assert json.loads(plan.to_json(indent=2)) == json.loads(plan.to_json())


def test_a_plan_of_a_newer_version_is_refused() -> None:
    raw = json.loads(workflow("flow", load).plan.to_json()) | {"version": VERSION + 1}

    with pytest.raises(ValueError, match="this plan has version 4, and this Kaon reads up to 3; use a newer Kaon"):
        Plan.from_json(json.dumps(raw))


def test_a_plan_of_a_newer_version_is_refused_though_it_has_nodes_of_unknown_kinds() -> None:
    raw = json.loads(workflow("flow", load).plan.to_json()) | {"version": VERSION + 1}
    raw["root"]["parts"] = [{"node": "teleport"}]

    with pytest.raises(ValueError, match="use a newer Kaon"):
        Plan.from_json(json.dumps(raw))


@pytest.mark.parametrize("text", ["", "[]", '{"workflow": "flow"}', '{"root": 7}'])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Plan.from_json(text)


def test_walking_gives_every_node_in_the_order_of_the_expression() -> None:
    flow = workflow(
        "flow",
        load
        >> [train, train.rename(model="other")]
        >> repeat(until="stable", at_most=2).do(check)
        >> when("stable").do(evaluate).otherwise(publish)
        >> for_each(rank=[1, 2]).do(train.named("again")),
    )

    assert [node.node for node in walk(flow.plan.root)] == [
        *("chain", "call", "fork", "call", "call", "attempts", "call"),
        *("branch", "call", "call", "loop", "call"),
    ]
    assert [call.step for call in flow.plan.calls()] == [
        *("load", "train", "train", "check", "evaluate", "publish", "again"),
    ]


def test_the_children_of_a_node_are_what_it_directly_encloses() -> None:
    flow = workflow("flow", load >> [train, train.rename(model="other")] >> check >> when("stable").do(publish))

    chain = flow.plan.root
    assert isinstance(chain, Chain)
    call, fork, _, branch = chain.parts
    assert isinstance(fork, Fork)
    assert isinstance(branch, Branch)
    assert children(chain) == chain.parts
    assert children(call) == ()
    assert children(fork) == fork.branches
    assert children(branch) == (branch.then,)


def test_a_call_holds_all_that_its_step_declares() -> None:
    from datetime import timedelta

    from kaon.dsl import Resources

    declared = step(
        output="rows",
        retries=2,
        retry_delay=timedelta(seconds=1.5),
        timeout=timedelta(minutes=1),
        resources=Resources(cpus=2, memory="4GiB"),
    )(_count)
    (call,) = workflow("flow", declared.named("count").rename(rows="number")).plan.calls()

    assert (call.step, call.path, call.function) == ("count", "flow/count", f"{__name__}:_count")
    assert (call.retries, call.retry_delay, call.timeout) == (2, 1.5, 60.0)
    assert (call.cpus, call.memory) == (2, "4GiB")
    assert call.doc == "Count the models."
    (made,) = call.outputs
    assert (made.name, made.returned_as, made.type, made.kind) == ("number", "rows", "dict[str, int]", "json")


def _count(models: Mapping[str, Model] | None = None) -> dict[str, int]:
    """Count the models.

    All of them.
    """
    return {"models": len(models or {})}
