"""The program that test_killed_runs.py kills: every step leaves a mark in the file that MARKS names."""

import os
import sys
import time
from collections.abc import Mapping

from kaon.artifacts import open_store
from kaon.dsl import for_each, step, workflow
from kaon.dsl.backends import run


def work(name: str) -> None:
    time.sleep(0.08)
    with open(os.environ["MARKS"], "a") as marks:
        marks.write(f"{name}\n")


@step(output="numbers")
def numbers() -> list[int]:
    work("numbers")
    return [1, 2, 3, 4]


@step(output="squared")
def square(number: int) -> int:
    work(f"square {number}")
    return number * number


@step(output="blob")
def enlarge(squared: int) -> list[int]:
    work(f"enlarge {squared}")
    return [squared] * 5000


@step(output="total")
def add_up(blob: Mapping[int, list[int]]) -> int:
    work("add_up")
    return sum(sum(part) for part in blob.values())


killed = workflow("killed", numbers >> for_each(number="numbers").do(square >> enlarge) >> add_up)

if __name__ == "__main__":
    result = run(killed, store=open_store(sys.argv[1]), backend=sys.argv[2])  # type: ignore[arg-type]
    print(result["total"])
