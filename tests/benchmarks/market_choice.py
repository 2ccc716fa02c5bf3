"""Whether choosing a model for each country of XMarket pays: on the test slice, which chose nothing.

    python -m tests.benchmarks.market_choice FOLDER [SEED …]

Per seed the towers are trained as the shipped workflow trains them, with its defaults, and the choice is made on the
tuning slice. `time` cuts by time; `user` leaves the times out, so that every user gives one interaction at most.
Printed is nDCG@10 by full ranking: of each country and of the mean over countries, and at the end the mean over seeds.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from kaon.steps.datasets import load
from kaon.steps.evaluate_market import evaluate_market
from kaon.steps.fine_tune import fine_tune
from kaon.steps.interactions import Interactions, interactions
from kaon.steps.market_models import MARKET_MODELS
from kaon.steps.select_models import select_models
from kaon.steps.split_interactions import Split, split_interactions
from kaon.steps.train_two_tower import train_two_tower

SHARES = {
    "time": (0.1, 0.05, 0.0, 0.1),
    "user": (0.35, 0.1, 0.1, 0.35),
}
"""Tuning, stability, ranking and test."""


def main(folder: Path, seeds: list[int]) -> None:
    """Print a table for each way to split and each seed, and their means."""
    events = load("xmarket", folder)
    for way, (tuning, stability, ranking, test) in SHARES.items():
        taken = events if way == "time" else interactions(events.drop(columns="time"))
        tables = []
        for seed in seeds:
            split = split_interactions(taken, tuning=tuning, stability=stability, ranking=ranking, test=test, seed=seed)
            tables.append(pd.DataFrame(list(_countries(split, seed))))
            print(f"\n{way}, seed {seed}\n{_with_mean(tables[-1])}", flush=True)
        mean = pd.concat(tables).groupby("country", as_index=False).mean(numeric_only=True)
        print(f"\n{way}, mean of {len(seeds)} seeds\n{_with_mean(mean)}", flush=True)


def _countries(split: Split, seed: int) -> Iterator[Mapping[str, object]]:
    """Yield a row for each country: what the chosen model and each of the three earns on the test slice."""
    tower = train_two_tower(split.train, seed=seed).tower
    before = interactions(pd.concat([split.train, split.tuning, split.stability, split.ranking]))
    histories = before if "time" in split.train else split.train
    for country in sorted(split.test["market"].unique()):
        local, warm = fine_tune(split.train, split.tuning, tower, country, seed=seed)
        tuned = evaluate_market(split.train, split.tuning, tower, local, warm, country)
        tested = evaluate_market(Interactions(histories), split.test, tower, local, warm, country)
        ndcg = {model: sum(values) / max(1, len(values)) for model, values in tested.ndcg.items()}
        chosen = select_models({country: tuned}, seed=seed).choices.model_for(country)
        row = {"country": country, "users": tested.users, "model": chosen, "chosen": ndcg[chosen]}
        yield {**row, **{model: ndcg[model] for model in MARKET_MODELS}}


def _with_mean(table: pd.DataFrame) -> str:
    mean = {"country": "mean", **table.mean(numeric_only=True)}
    return pd.concat([table, pd.DataFrame([mean])]).round(4).to_string(index=False, na_rep="")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or [0, 1, 2, 3, 4])
