"""What a type checker sees: a line with `# error:` must be refused with that code, every other line must pass."""

from collections.abc import Callable
from typing import Any, assert_type

from kaon.dsl import Plan, Workflow, current_step, for_each, parallel, repeat, sequence, step, sweep, when, workflow
from kaon.dsl.context import StepContext
from kaon.dsl.ir import ForEach, Parallel, Repeat, Sequence, Step, When
from kaon.dsl.verbs import Decision, Loop, RepeatLoop


@step(output="ratings")
def load(*, rows: int = 3) -> list[int]:
    return list(range(rows))


@step(output="model", retries=2)
def train(ratings: list[int], *, rank: int = 8) -> float:
    return float(rank * len(ratings))


@step
def publish(model: float) -> None:
    print(model)


def takes_text(text: str) -> None: ...


def takes_function(function: Callable[[list[int]], float]) -> None: ...


def takes_step(any_step: Step[..., Any]) -> None: ...


def what_is_checked_and_never_run() -> None:
    # A step keeps its function's signature.
    assert_type(train([1, 2], rank=3), float)
    assert_type(load(), list[int])
    assert_type(publish(1.0), None)
    train("ratings")  # error: arg-type
    train([1], rank="many")  # error: arg-type
    train([1], rnk=3)  # error: call-arg
    train()  # error: call-arg
    load(3)  # error: call-arg
    takes_text(train([1]))  # error: arg-type

    # The methods keep the step's type.
    takes_function(train.named("wide"))
    assert_type(train.with_(rank=3)([1]), float)
    assert_type(train.reads(ratings="events").rename(model="als").named("wide")([1]), float)
    train.reads(ratings=3)  # error: arg-type
    train.rename(model=None)  # error: arg-type
    train.nmaed("wide")  # error: attr-defined
    train.rank = 3  # error: attr-defined

    # Operators build sequences, from steps, lists and verbs.
    assert_type(load >> train, Sequence)
    assert_type(load >> [train, publish] >> publish, Sequence)
    assert_type([load, train] >> publish, Sequence)
    assert_type(sequence(load, train), Sequence)
    assert_type(parallel(load, [train]), Parallel)
    load >> 3  # error: operator
    sequence("load")  # error: arg-type

    # A verb waits for its body.
    assert_type(for_each(market="markets"), Loop)
    assert_type(for_each(market=["US", "CA"]).do(train, at_once=2), ForEach)
    assert_type(sweep(rank=[1, 2]).do(load >> train), ForEach)
    assert_type(repeat(until="stable", at_most=3), RepeatLoop)
    assert_type(repeat(until="stable", at_most=3).do(train, exhausted="continue"), Repeat)
    assert_type(when("stable"), Decision)
    assert_type(when("stable").do(publish).otherwise([train]), When)
    load >> for_each(market="markets")  # error: operator
    repeat(at_most=3)  # error: call-arg
    repeat(until="stable", at_most="3")  # error: arg-type
    repeat(until="stable", at_most=3).do(train, exhausted="ignore")  # error: arg-type
    for_each(market=3)  # error: arg-type
    sweep(rank=8)  # error: arg-type

    # A workflow is an expression, and so can be nested.
    flow = workflow("flow", load >> train)
    assert_type(flow, Workflow)
    assert_type(flow.plan, Plan)
    assert_type(load >> flow >> publish, Sequence)
    workflow("flow")  # error: call-arg
    workflow("lazy", lambda: load >> flow)
    flow()  # error: operator

    # The decorator checks its options.
    step(output=3)  # error: call-overload
    step(retires=2)  # error: call-overload

    assert_type(current_step(), StepContext)
    current_step().progress("half")  # error: arg-type
    takes_step(train)
