"""Implicit-feedback ALS on synthetic events of some number, by one engine.

python tests/benchmarks/peers/als_engines.py make EVENTS FOLDER                          writes FOLDER/EVENTS.parquet
python tests/benchmarks/peers/als_engines.py implicit|spark EVENTS ITERATIONS FOLDER     trains on them at rank 64

Marked are when Spark's session begins to start (began), when it is there (started), and when the factors are (ended).
"""

import json
import sys
from pathlib import Path
from typing import Literal, cast

import pandas as pd
from tests.benchmarks.peers.contender import mark

from kaon.steps.interactions import Interactions
from kaon.steps.spark_session import spark_session
from kaon.steps.train_als import train_als


def make(events: int, folder: Path) -> None:
    """Write so many synthetic events, one row per pair of user and item."""
    from kaon.steps.datasets.synthetic import Scale, synthetic_interactions

    synthetic_interactions(Scale(events=events)).to_parquet(folder / f"{events}.parquet")


def train(engine: Literal["implicit", "spark"], events: int, iterations: int, folder: Path) -> None:
    """Train on the events, write what there was to train on, and mark the moments."""
    rows = Interactions(pd.read_parquet(folder / f"{events}.parquet", columns=["user_id", "item_id"]))
    mark("began")
    if engine == "spark":
        spark_session()
    mark("started")
    als = train_als(rows, engine=engine, rank=64, iterations=iterations)
    mark("ended")
    found = {"pairs": len(rows), "users": len(als.user_ids), "items": len(als.item_ids)}
    (folder / f"{events}.json").write_text(json.dumps(found))


def main(arguments: list[str]) -> None:
    """Do what the command line asks."""
    match arguments:
        case ["make", events, folder]:
            make(int(events), Path(folder))
        case ["implicit" | "spark" as engine, events, iterations, folder]:
            train(cast(Literal["implicit", "spark"], engine), int(events), int(iterations), Path(folder))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
