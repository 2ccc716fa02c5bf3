"""Long computations that keep checkpoints.

They die after the round that DIES_AFTER names. The file that BEGAN names has a line for the round that each try began
at.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kaon import Process, current_step, open_store, run, step, workflow

ROUNDS = 5


@dataclass(frozen=True)
class Sum:
    """The state of a computation."""

    total: float


def rounds(first: float) -> float:
    """Return the sum of the first number and all rounds, going on from the last checkpoint."""
    here = current_step()
    saved = here.last_checkpoint(Sum)
    total, done = (saved.value.total, saved.at) if saved else (first, 0)
    with Path(os.environ["BEGAN"]).open("a") as began:
        began.write(f"{done + 1}\n")
    for number in range(done + 1, ROUNDS + 1):
        total = total / 3 + number
        here.checkpoint(Sum(total), at=number, values={"total": total})
        if str(number) == os.environ.get("DIES_AFTER"):
            if os.environ.get("DIES_BY") == "error":
                raise RuntimeError("no luck")
            os.kill(os.getpid(), signal.SIGKILL)
    return total


@step(output="first")
def start(*, value: float = 1.0) -> float:
    return value


@step(output="total")
def add_rounds(first: float) -> float:
    return rounds(first)


@step(output="total", place=Process())
def add_rounds_apart(first: float) -> float:
    return rounds(first)


here = workflow("here", start >> add_rounds)
apart = workflow("apart", start >> add_rounds_apart)


def run_one(name: str, store: str, backend: Literal["local", "prefect"]) -> None:
    """Run a workflow; called from another process, in which the steps have the same names."""
    run({"here": here, "apart": apart}[name], backend=backend, store=open_store(store))
