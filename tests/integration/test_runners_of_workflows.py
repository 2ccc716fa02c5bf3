"""Workflows on Dask and Ray come to what they come to in threads, and everything is recorded all the same."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest

from kaon import current_step, for_each, step, workflow
from kaon.artifacts import open_store
from kaon.dsl.backends import Engine, run

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("server")]


@step(output="numbers")
def numbers(*, many: int = 6) -> list[int]:
    return list(range(many))


@step(output="half")
def halve(number: int) -> int:
    current_step().log(f"halving {number} in {os.getpid()}")
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


@step(output="letter")
def spell(sign: str) -> str:
    return sign.upper()


@step(output="flaky", retries=2)
def succeed_at_last() -> int:
    if current_step().attempt < 3:
        raise ConnectionError("unlucky")
    return current_step().attempt


@step(output="summary")
def join(half: Mapping[int, int], letter: Mapping[str, str], flaky: int) -> str:
    return f"{sum(half.values())} {''.join(letter.values())} {flaky}"


mixed = workflow(
    "mixed",
    numbers
    >> [
        for_each(number="numbers").do(halve, on_failure="continue"),
        for_each(sign=["a", "b"]).do(spell),
        succeed_at_last,
    ]
    >> join,
)


@pytest.mark.parametrize("runner", ["dask", "ray"])
def test_a_workflow_comes_to_the_same_in_the_processes_of_a_cluster(
    runner: Literal["dask", "ray"], tmp_path: Path
) -> None:
    pytest.importorskip(f"prefect_{runner}")
    store = open_store(tmp_path)
    engine = Engine(task_runner=runner, wide=3, steps_at_once=2)

    result = run(mixed, store=store, backend="prefect", engine=engine)

    assert result["summary"] == "3 AB 3"
    assert sorted(failure.cause for failure in result.tolerated) == [f"ValueError: {n} is odd" for n in (1, 3, 5)]
    ended = Counter((record.step, record.state) for record in store.records.step_runs(result.run_id))
    assert ended["halve", "completed"] == ended["halve", "failed"] == 3
    assert ended["succeed_at_last", "completed"] == 1
    said = [message.text for message in store.records.messages(result.run_id, "halve")]
    assert not any(text.endswith(f" in {os.getpid()}") for text in said)
    assert sum(text.startswith("halving") for text in said) == 6
