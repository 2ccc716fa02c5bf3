"""The training steps in runs of the shipped workflow.

python tests/benchmarks/peers/training_steps.py prepare SETTINGS FOLDER           runs all of it once
python tests/benchmarks/peers/training_steps.py local|prefect STEP SETTINGS FOLDER    runs a step of it again

SETTINGS is JSON. A run again skips every other step, and marks when the step and the function in it began and ended.
"""

import json
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal, cast
from unittest.mock import patch

import faiss  # noqa: F401 - all that steps import only when they run is imported before, as by the peers
import implicit.als  # noqa: F401
import numpy as np
import torch  # noqa: F401
import xgboost
from tests.benchmarks.peers.contender import mark

from kaon import open_store, run
from kaon.artifacts import FactorModel
from kaon.dsl.backends import perform
from kaon.dsl.backends.prefect.run import serving
from kaon.dsl.events import Event, StepEvent
from kaon.flows.recommendations import recommendations

Settings = Mapping[str, object]


def prepare(settings: Settings, folder: Path) -> None:
    """Run everything, so that every step finds its inputs, and write what the peers read."""
    with patch("xgboost.QuantileDMatrix", _kept(folder)), patch("xgboost.train", _noted(xgboost.train, folder)):
        result = run(recommendations, settings, store=open_store(folder / "store"))
    result["train"].to_parquet(folder / "train.parquet")
    als = result["als"]
    assert isinstance(als, FactorModel)
    np.savez(folder / "als.npz", users=als.user_factors, items=als.item_factors)


def again(backend: Literal["local", "prefect"], step: str, settings: Settings, folder: Path) -> None:
    """Run one step again and mark the run (run, over), the step (began, ended) and its function (called, returned).

    Where it stands in several places, the first is marked.
    """
    working: list[int] = []

    def note(event: Event) -> None:
        if isinstance(event, StepEvent) and event.path.rpartition("/")[2] == step:
            working[:] = [threading.get_ident()] if event.state == "running" else []
            if event.state in ("running", "completed"):
                mark({"running": "began", "completed": "ended"}[event.state])

    def timed(function: Callable[..., Any], inputs: Mapping[str, Any], timeout: float | None) -> Any:
        if threading.get_ident() not in working:
            return in_process(function, inputs, timeout)
        mark("called")
        try:
            return in_process(function, inputs, timeout)
        finally:
            mark("returned")

    in_process = perform.run_in_process
    there = serving() if backend == "prefect" else nullcontext()
    with there, patch.object(perform, "run_in_process", timed):
        mark("run")
        store = open_store(folder / "store")
        run(recommendations, settings, backend=backend, store=store, force=(step,), on_event=note)
        mark("over")


def _kept(folder: Path) -> type[xgboost.QuantileDMatrix]:
    """Return a QuantileDMatrix that writes what it is made of, under a name that it keeps."""

    class Kept(xgboost.QuantileDMatrix):
        made = 0

        def __init__(self, data: object, label: object = None, *, qid: object = None, **others: Any) -> None:
            super().__init__(data, label, qid=qid, **others)
            self.kept_as = f"matrix-{Kept.made}.npz"
            Kept.made += 1
            np.savez(folder / self.kept_as, data=np.asarray(data), label=np.asarray(label), qid=np.asarray(qid))

    return Kept


def _noted(train: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """Return `xgboost.train` that also writes what it is called with."""
    calls: list[Path] = []

    def noted(parameters: Settings, taught: Any, rounds: int, *, evals: Any = (), **others: Any) -> Any:
        calls.append(folder / f"xgboost-{len(calls)}.json")
        matrices = [matrix.kept_as for matrix in (taught, *(matrix for matrix, _ in evals))]
        patience = others.get("early_stopping_rounds")
        call = {"parameters": dict(parameters), "rounds": rounds, "patience": patience, "matrices": matrices}
        calls[-1].write_text(json.dumps(call))
        return train(dict(parameters), taught, rounds, evals=evals, **others)

    return noted


def main(arguments: Sequence[str]) -> None:
    """Do what the command line asks."""
    match arguments:
        case ["prepare", settings, folder]:
            prepare(json.loads(settings), Path(folder))
        case ["local" | "prefect" as backend, step, settings, folder]:
            again(cast(Literal["local", "prefect"], backend), step, json.loads(settings), Path(folder))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
