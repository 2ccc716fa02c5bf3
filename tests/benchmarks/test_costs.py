"""`make bench`: what a fan-out, a step and a plan cost on this machine, in a few minutes."""

import os
import platform
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.benchmarks.measured import (
    Chain,
    bare_prefect_seconds,
    chain_seconds,
    chained,
    plan_seconds,
    train_markets,
    wait_markets,
)

from kaon.dsl.backends.prefect.run import serving

REPEATS = 3
MARKETS = 5
STEPS = 100
NODES = 10_000


@pytest.fixture(autouse=True)
def server(kaon_home: Path) -> Iterator[None]:
    """One Prefect server for every run of a test, so that its start is not measured."""
    with serving():
        yield


@pytest.fixture(autouse=True, scope="module")
def machine() -> None:
    """Say what the figures were measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0]
    print(f"\n\n{platform.machine()}, {cores} cores, load {load:.1f} before; Python {platform.python_version()}")
    print(f"medians of {REPEATS} runs (lowest–highest)")


def repeated(measure: Callable[[], float]) -> list[float]:
    """Return a few measurements."""
    return [measure() for _ in range(REPEATS)]


def told(values: list[float], scale: float = 1.0) -> str:
    """Return the median of the measurements and their range."""
    low, middle, high = (scale * value for value in (min(values), statistics.median(values), max(values)))
    return f"{middle:8.2f} ({low:.2f}–{high:.2f})"


@pytest.mark.parametrize(
    ("what", "measure"),
    [
        ("fine_tune, one thread each", lambda markets: train_markets(markets, users=1000)),
        ("a step that waits 1 s", lambda markets: wait_markets(markets, seconds=1.0)),
    ],
)
def test_a_loop_over_five_markets_takes_less_than_five_times_one(what: str, measure: Callable[[int], float]) -> None:
    measure(1)  # imports, and the first connections
    one, five = repeated(lambda: measure(1)), repeated(lambda: measure(MARKETS))
    ratio = statistics.median(five) / statistics.median(one)

    print(f"\nfor_each on Prefect: {what}\n  1 market   {told(one)} s\n  {MARKETS} markets  {told(five)} s")
    print(f"  ratio      {ratio:8.2f}")
    assert ratio < MARKETS


def test_the_cost_of_a_step_that_does_nothing(tmp_path: Path) -> None:
    chain = chained(STEPS)
    ways: dict[str, Callable[[Path], Chain]] = {
        "Kaon, local": lambda folder: chain_seconds(chain, folder=folder, backend="local"),
        "Kaon on Prefect": lambda folder: chain_seconds(chain, folder=folder, backend="prefect"),
        "bare Prefect, persist_result": lambda folder: bare_prefect_seconds(STEPS, folder=folder),
    }
    found: dict[str, list[Chain]] = {name: [] for name in ways}
    for turn in range(REPEATS):
        for place, (name, measure) in enumerate(ways.items()):
            found[name].append(measure(tmp_path / f"{turn}-{place}"))

    print(f"\na sequence of {STEPS} steps that do nothing, each output stored")
    for name, chains in found.items():
        each, whole = [chain.each for chain in chains], [chain.whole for chain in chains]
        print(f"  {name:<30} {told(each, 1000)} ms a step, {told(whole)} s in all")


def test_the_cost_of_a_plan() -> None:
    print(f"\na plan of {NODES} steps, built and checked: {told(repeated(lambda: plan_seconds(NODES)))} s")
