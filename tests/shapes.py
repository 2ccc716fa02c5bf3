"""Shapes of plans that every backend must run alike: what comes out, what fails, and what the records say."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel

from kaon.dsl import (
    Point,
    Workflow,
    bootstrap,
    cross_validate,
    current_step,
    for_each,
    parallel,
    repeat,
    sequence,
    step,
    sweep,
    when,
    workflow,
)


@step(output="number")
def start(*, value: int = 3) -> int:
    return value


@step(output="doubled")
def double(number: int) -> int:
    return 2 * number


@step(output="squared")
def square(number: int) -> int:
    return number * number


@step(output="total")
def add(doubled: int, squared: int) -> int:
    return doubled + squared


@step(output="markets")
def find_markets() -> list[str]:
    return ["US", "CA", "UK"]


@step(output="none")
def find_nothing() -> list[str]:
    return []


@step(output="sizes")
def measure_markets() -> dict[str, int]:
    return {"CA": 2, "US": 5}


@step(output="length")
def measure(market: str) -> int:
    return len(market) + ord(market[0])


@step(output="labelled")
def label(size: int, size_key: str) -> str:
    return f"{size_key}:{size}"


@step(output="longest")
def choose(length: Mapping[str, int]) -> str:
    return max(length, key=lambda market: length[market])


@step(output="shifted")
def shift(length: int, offset: int) -> int:
    return length + offset


@step(output="product")
def multiply(rank: int, alpha: float, *, scale: float = 1.0) -> float:
    return rank * alpha * scale


@step(output="best")
def best(product: Mapping[Point, float]) -> dict[str, float]:
    point = max(product, key=lambda point: product[point])
    return {name: float(str(value)) for name, value in point.items()}


@step(output="drawn")
def draw(replicate: int) -> int:
    return replicate * 10


@step(output="left_out")
def leave_out(fold: int, folds: int) -> int:
    return folds - fold


class Growth(NamedTuple):
    grown: int
    enough: bool


@step
def grow(number: int, attempt: int, *, wanted: int = 6) -> Growth:
    return Growth(number * attempt, number * attempt >= wanted)


@step(output="large")
def is_large(number: int) -> bool:
    return number > 10


@step(output="verdict")
def praise(number: int) -> str:
    return f"{number} is large"


@step(output="verdict")
def console(number: int) -> str:
    return f"{number} will grow"


@step(output="told")
def tell(verdict: str | None) -> str:
    return verdict or "nothing to say"


@step(output="flaky", retries=2)
def succeed_at_last() -> int:
    if current_step().attempt < 3:
        raise ConnectionError(f"try {current_step().attempt} is unlucky")
    return current_step().attempt


@step(output="hopeless", retries=1)
def fail_always() -> int:
    raise ValueError("no luck at all")


@step(output="picky")
def refuse_ca(market: str) -> str:
    if market == "CA":
        raise ValueError("not here")
    return market.lower()


@step(output="counted")
def count(picky: Mapping[str, str]) -> int:
    return len(picky)


@step(output="late", timeout=timedelta(seconds=0.3))
def sleep_long() -> int:
    for _ in range(100):
        time.sleep(0.05)
    return 1


class Tables(NamedTuple):
    frame: pd.DataFrame
    vector: np.ndarray[Any, Any]


@step
def make_tables(*, rows: int = 3) -> Tables:
    return Tables(pd.DataFrame({"x": range(rows)}), np.arange(rows, dtype="f4"))


@step(output="sum")
def sum_tables(frame: pd.DataFrame, vector: np.ndarray[Any, Any]) -> float:
    return float(frame["x"].sum() + vector.sum())


@step
def act(number: int) -> None:
    current_step().log(f"acting on {number}")


class Params(BaseModel):
    market: str
    offset: int = 100


class Offset(BaseModel):
    offset: int = 100


@dataclass(frozen=True)
class Shape:
    """A workflow, and what must come of running it."""

    workflow: Workflow
    outputs: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """Place of every failure, and how its cause begins."""
    settings: dict[str, object] = field(default_factory=dict)
    cancelled: frozenset[str] = frozenset()
    """Names of steps that are recorded as not run."""


MARKETS = {"US": 87, "CA": 69, "UK": 87}

SHAPES = {
    "one step": Shape(workflow("one", start), {"number": 3}),
    "a sequence": Shape(workflow("seq", start >> double), {"number": 3, "doubled": 6}),
    "a setting": Shape(workflow("settings", start >> double), {"doubled": 14}, settings={"start.value": 7}),
    "branches that join": Shape(workflow("fork", start >> [double, square] >> add), {"total": 15}),
    "verbs": Shape(workflow("verbs", sequence(start, parallel(double, square), add)), {"total": 15}),
    "branches in branches": Shape(
        workflow("forks", start >> [double, [square, start.named("other").rename(number="again")]] >> add),
        {"total": 15, "again": 3},
    ),
    "a step without output": Shape(workflow("acting", start >> act >> double), {"doubled": 6}),
    "a loop over a list": Shape(
        workflow("loop", find_markets >> for_each(market="markets").do(measure) >> choose),
        {"length": MARKETS, "longest": "US"},
    ),
    "a loop one at a time": Shape(
        workflow("serial", find_markets >> for_each(market="markets").do(measure, at_once=1) >> choose),
        {"length": MARKETS, "longest": "US"},
    ),
    "a loop over written values": Shape(
        workflow("listed", for_each(market=["CA", "FR"]).do(measure)), {"length": {"CA": 69, "FR": 72}}
    ),
    "a loop over a mapping": Shape(
        workflow("mapping", measure_markets >> for_each(size="sizes").do(label)),
        {"labelled": {"CA": "CA:2", "US": "US:5"}},
    ),
    "a loop over nothing": Shape(
        workflow("empty", find_nothing >> for_each(market="none").do(measure)), {"length": {}}
    ),
    "a loop over the results of a loop": Shape(
        workflow(
            "relay",
            find_markets >> for_each(market="markets").do(measure) >> for_each(size="length").do(label),
        ),
        {"labelled": {"US": "US:87", "CA": "CA:69", "UK": "UK:87"}},
    ),
    "loops in loops": Shape(
        workflow("nested", find_markets >> for_each(market="markets").do(measure >> for_each(offset=[1, 2]).do(shift))),
        {"shifted": {market: {1: size + 1, 2: size + 2} for market, size in MARKETS.items()}},
    ),
    "a sweep": Shape(
        workflow("swept", sweep(rank=[2, 3], alpha=[1.0, 10.0]).do(multiply) >> best),
        {"best": {"rank": 3.0, "alpha": 10.0}},
    ),
    "a bootstrap": Shape(workflow("boot", bootstrap(3).do(draw)), {"drawn": {0: 0, 1: 10, 2: 20}}),
    "a cross-validation": Shape(workflow("folds", cross_validate(3).do(leave_out)), {"left_out": {0: 3, 1: 2, 2: 1}}),
    "a repetition": Shape(
        workflow("again", start >> repeat(until="enough", at_most=5).do(grow)), {"grown": 6, "enough": True}
    ),
    "a repetition that never succeeds": Shape(
        workflow("never", start >> repeat(until="enough", at_most=2).do(grow) >> double),
        failures={"never/repeat": "'enough' was still false after 2 attempts"},
        settings={"grow.wanted": 100},
        cancelled=frozenset({"double"}),
    ),
    "a repetition that goes on regardless": Shape(
        workflow("regardless", start >> repeat(until="enough", at_most=2).do(grow, exhausted="continue")),
        {"grown": 6, "enough": False},
        settings={"grow.wanted": 100},
    ),
    "a repetition in a loop": Shape(
        workflow("each_again", for_each(number=[2, 3]).do(repeat(until="enough", at_most=5).do(grow))),
        {"grown": {2: 6, 3: 6}},
    ),
    "a loop in a repetition": Shape(
        workflow(
            "again_each",
            start >> repeat(until="enough", at_most=5).do([grow, for_each(market=["A"]).do(measure)]),
        ),
        {"grown": 6, "length": {"A": 66}},
    ),
    "a decision for": Shape(
        workflow("yes", start >> is_large >> when("large").do(praise).otherwise(console) >> tell),
        {"told": "20 is large"},
        settings={"start.value": 20},
        cancelled=frozenset({"console"}),
    ),
    "a decision against": Shape(
        workflow("no", start >> is_large >> when("large").do(praise).otherwise(console) >> tell),
        {"told": "3 will grow"},
        cancelled=frozenset({"praise"}),
    ),
    "a decision with one body": Shape(
        workflow("maybe", start >> is_large >> when("large").do(praise) >> tell),
        {"told": "nothing to say"},
        cancelled=frozenset({"praise"}),
    ),
    "a workflow in a workflow": Shape(
        workflow(
            "outer",
            find_markets
            >> for_each(market="markets").do(workflow("inner", measure >> shift, params=Params).with_(offset=1)),
        ),
        {"shifted": {market: size + 1 for market, size in MARKETS.items()}},
    ),
    "parameters": Shape(
        workflow("params", for_each(market=["A"]).do(measure >> shift), params=Offset),
        {"shifted": {"A": 68}},
        settings={"offset": 2},
    ),
    "tables and arrays": Shape(workflow("tables", make_tables >> sum_tables), {"sum": 6.0}),
    "retries that help": Shape(workflow("retried", succeed_at_last), {"flaky": 3}),
    "retries that do not help": Shape(
        workflow("hopeless", start >> fail_always >> double),
        failures={"hopeless/fail_always": "ValueError: no luck at all"},
        cancelled=frozenset({"double"}),
    ),
    "a branch that fails beside one that finishes": Shape(
        workflow("half", start >> [fail_always, double >> start.named("later").rename(number="more")] >> square),
        failures={"half/fail_always": "ValueError: no luck at all"},
        cancelled=frozenset({"square"}),
    ),
    "an item that fails among others": Shape(
        workflow("picky", find_markets >> for_each(market="markets").do(refuse_ca >> measure) >> count),
        failures={"picky/for_each[market=CA]/refuse_ca": "ValueError: not here"},
        cancelled=frozenset({"measure", "count"}),
    ),
    "a loop that goes on without an item": Shape(
        workflow("going_on", find_markets >> for_each(market="markets").do(refuse_ca, on_failure="continue") >> count),
        {"picky": {"US": "us", "UK": "uk"}, "counted": 2},
    ),
    "a loop of which too little succeeds": Shape(
        workflow(
            "too_few",
            find_markets >> for_each(market="markets").do(refuse_ca, on_failure="continue", min_success=0.9) >> count,
        ),
        failures={
            "too_few/for_each[market]": "2 of 3 items succeeded, and min_success asks for 90%",
            "too_few/for_each[market=CA]/refuse_ca": "ValueError: not here",
        },
        cancelled=frozenset({"count"}),
    ),
    "two branches that fail": Shape(
        workflow("both", find_markets >> [fail_always, for_each(market="markets").do(refuse_ca)]),
        failures={
            "both/fail_always": "ValueError: no luck at all",
            "both/for_each[market=CA]/refuse_ca": "ValueError: not here",
        },
    ),
    "a step past its timeout": Shape(
        workflow("late", sleep_long), failures={"late/sleep_long": "StepTimedOut: it took longer than its timeout"}
    ),
}
