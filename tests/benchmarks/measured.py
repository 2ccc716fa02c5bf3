"""What Kaon costs: functions that run one thing and return seconds."""

import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from kaon import for_each, open_store, repeat, run, sequence, step, when, workflow
from kaon.dsl import Workflow
from kaon.dsl.events import Event, StepEvent
from kaon.dsl.ir import Operand
from kaon.steps.fine_tune import fine_tune
from kaon.steps.interactions import Interactions, interactions
from kaon.steps.two_tower import TwoTower, untrained

Backend = Literal["local", "prefect"]


class Slices(NamedTuple):
    """Markets of one size, and an untrained tower that knows them all."""

    train: Interactions
    tower: TwoTower
    markets: list[str]


@step
def equal_slices(*, count: int = 5, of: int = 5, users: int = 1000, each: int = 20, items: int = 4000) -> Slices:
    """Return interactions of `of` markets, each with as many users who meet `each` items; the loop is over `count`."""
    names = [f"m{number}" for number in range(of)]
    parts = []
    for seed, name in enumerate(names):
        met = np.argpartition(np.random.default_rng(seed).random((users, items)), each, axis=1)[:, :each]
        who = np.repeat([f"{name}-{user}" for user in range(users)], each)
        what = [f"item{item}" for item in met.ravel()]
        parts.append(pd.DataFrame({"user_id": who, "item_id": what, "market": name, "rating": 1.0}))
    train = interactions(pd.concat(parts, ignore_index=True))
    return Slices(train, untrained(sorted(train["item_id"].unique()), names, 64, 0), names[:count])


@step(output="waited")
def wait(market: str, *, seconds: float = 1.0) -> str:
    """Return the market after that time."""
    time.sleep(seconds)
    return market


@step(output="trained")
def join_trained(local_tower: Mapping[str, TwoTower]) -> int:
    """Return how many markets were trained."""
    return len(local_tower)


@step(output="joined")
def join_waited(waited: Mapping[str, str]) -> int:
    """Return how many markets have waited."""
    return len(waited)


@step(output="markets")
def list_markets(*, count: int = 5) -> list[str]:
    """Return names of so many markets."""
    return [f"m{number}" for number in range(count)]


@step(output="number")
def follow(number: int) -> int:
    """Return the next number: what does nothing, and is stored all the same."""
    return number + 1


@step(output="enough")
def judge(number: int) -> bool:
    """Return whether the number is large enough to stop."""
    return number > 1


@step(output="number")
def begin(*, start: int = 0) -> int:
    """Return where to start."""
    return start


fine_tuning = fine_tune.reads(tuning="train")
training = workflow("training", equal_slices >> for_each(market="markets").do(fine_tuning) >> join_trained)
waiting = workflow("waiting", list_markets >> for_each(market="markets").do(wait) >> join_waited)


def loop_seconds(flow: Workflow, settings: Mapping[str, object], *, join: str, backend: Backend = "prefect") -> float:
    """Return how long the loop of a flow takes: from the end of the step before it to the start of its join.

    Each call has an empty store, so that nothing is skipped.
    """
    marks: dict[str, float] = {}

    def note(event: Event) -> None:
        if isinstance(event, StepEvent) and not event.keys:
            marks[f"{event.step} {event.state}"] = time.perf_counter()

    run(flow, settings, backend=backend, store=open_store("memory://"), on_event=note)
    before = next(mark for name, mark in marks.items() if name.endswith("completed"))
    return marks[f"{join} running"] - before


def train_markets(markets: int, *, users: int, backend: Backend = "prefect") -> float:
    """Return how long `fine_tune` takes for so many markets of one size."""
    settings = {"equal_slices.count": markets, "equal_slices.users": users}
    return loop_seconds(training, settings, join="join_trained", backend=backend)


def wait_markets(markets: int, *, seconds: float, backend: Backend = "prefect") -> float:
    """Return how long so many waits of one length take."""
    settings = {"list_markets.count": markets, "wait.seconds": seconds}
    return loop_seconds(waiting, settings, join="join_waited", backend=backend)


def chained(length: int, name: str = "chain") -> Workflow:
    """Return a sequence of steps that do nothing, each reading what the one before it made."""
    names = [f"number{place}" for place in range(length)]
    links = [follow.reads(number=last).rename(number=this) for last, this in pairwise(names)]
    return workflow(name, sequence(begin.rename(number=names[0]), *links))


class Chain(NamedTuple):
    """How long a sequence took."""

    each: float
    """Seconds from one step's start to the next one's, on average."""
    whole: float
    """Seconds from the call to its return; a run on Prefect waits there until every task run is recorded."""


def chain_seconds(flow: Workflow, *, folder: Path, backend: Backend) -> Chain:
    """Return how long a flow of at least two steps takes with a new store in a folder, and nothing to skip."""
    starts: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, StepEvent) and event.state == "running":
            starts.append(time.perf_counter())

    began = time.perf_counter()
    run(flow, backend=backend, store=open_store(folder), on_event=note)
    return Chain((starts[-1] - starts[0]) / (len(starts) - 1), time.perf_counter() - began)


def by_hand_seconds(length: int, *, folder: Path) -> Chain:
    """Return how long the same sequence takes when it is written for Prefect by hand, to be as durable.

    Every result is persisted in the folder, under a key of the step's inputs, so that a second run would reuse it. It
    talks to the server that Kaon's flows talk to, set up as for them.
    """
    from prefect import flow, task
    from prefect.cache_policies import INPUTS
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    from kaon.dsl.backends.prefect.run import serving

    starts: list[float] = []

    @task(persist_result=True, cache_policy=INPUTS)
    def next_number(number: int) -> int:
        starts.append(time.perf_counter())
        return number + 1

    @flow(persist_result=True)
    def by_hand() -> int:
        number = 0
        for _ in range(length):
            number = next_number(number)
        return number

    began = time.perf_counter()
    with serving(), temporary_settings({PREFECT_LOCAL_STORAGE_PATH: folder}):
        assert by_hand() == length
    return Chain((starts[-1] - starts[0]) / (length - 1), time.perf_counter() - began)


def flat_plan(nodes: int) -> Workflow:
    """Return a workflow of so many steps, one after the other."""
    return chained(nodes, "flat")


def wide_plan(nodes: int, branch: int = 100) -> Workflow:
    """Return a workflow of so many steps in branches side by side."""
    branches = []
    for number in range(nodes // branch):
        names = [f"number{number}_{place}" for place in range(branch)]
        links = [follow.reads(number=last).rename(number=this) for last, this in pairwise(names)]
        branches.append(sequence(begin.rename(number=names[0]), *links))
    return workflow("wide", branches)


def mixed_plan(nodes: int) -> Workflow:
    """Return a workflow of so many steps in loops, repetitions, decisions and sequences, side by side."""
    return workflow("mixed", sequence(begin, judge.rename(enough="big"), *map(_block, range(nodes // 10))))


def _block(number: int) -> list[Operand]:
    """Return ten steps."""
    a, b, c, d, e = (f"{letter}{number}" for letter in "abcde")
    looped = [follow.reads(number=a).rename(number=f"{a}_{place}") for place in range(3)]
    repeated = follow.rename(number=b) >> judge.reads(number=b).rename(enough=f"enough{number}")
    return [
        for_each(item=[1, 2, 3]).do(sequence(follow.reads(number="item").rename(number=a), *looped)),
        repeat(until=f"enough{number}", at_most=3).do(repeated),
        when("big").do(follow.rename(number=c)).otherwise(follow.rename(number=c)),
        follow.rename(number=d) >> follow.reads(number=d).rename(number=e),
    ]


def plan_seconds(build: Callable[[int], Workflow], nodes: int) -> float:
    """Return how long it takes to build, check and bind a workflow of so many steps."""
    began = time.perf_counter()
    assert len(list(build(nodes).plan.calls())) >= 0.8 * nodes
    return time.perf_counter() - began
