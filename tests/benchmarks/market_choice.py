"""Whether choosing a model for each country of XMarket pays: on the test slice, which chose nothing.

    python -m tests.benchmarks.market_choice FOLDER [SEED[@SHARE] …]

Per seed the models are trained as the shipped workflow trains them, with its defaults, and the choice is made on the
tuning slice. `3@0.85` is seed 3 on the first 85 % of the interactions. `time` cuts by time; `user` leaves the times
out, so that every user gives one interaction at most.

Printed is nDCG@10 by full ranking: of the chosen model of each country and of every model used everywhere, the mean
over countries, and whether both promises hold: that the chosen model is at least as good as the global one in every
country of more than 300 users, and that the mean beats every other policy.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from kaon.artifacts import FactorModel
from kaon.steps.datasets import load
from kaon.steps.evaluate_als import evaluate_als
from kaon.steps.evaluate_market import K, evaluate_market
from kaon.steps.factorise_market import factorise_market
from kaon.steps.fine_tune import fine_tune
from kaon.steps.full_ranking import question, ranks_by_model
from kaon.steps.interactions import Interactions, interactions
from kaon.steps.market_models import MARKET_MODELS, MarketModel
from kaon.steps.model_vectors import Blend, Model
from kaon.steps.ranking import ndcg_at
from kaon.steps.select_models import select_models
from kaon.steps.split_interactions import Split, split_interactions
from kaon.steps.train_als import train_als
from kaon.steps.train_two_tower import train_two_tower
from kaon.steps.two_tower import TwoTower

SHARES = {
    "time": (0.1, 0.05, 0.0, 0.1),
    "user": (0.35, 0.1, 0.1, 0.35),
}
"""Tuning, stability, ranking and test."""

MANY_USERS = 300
SINGLE: tuple[MarketModel, ...] = tuple(name for name in MARKET_MODELS if "blend" not in name)
"""The policies that the choice has to beat: one kind of model, used everywhere."""


def main(folder: Path, windows: list[str]) -> None:
    """Print a table and two verdicts for each way to split and each seed, and how often each promise held."""
    events = load("xmarket", folder)
    held: dict[str, list[tuple[bool, bool]]] = {}
    for way, (tuning, stability, ranking, test) in SHARES.items():
        for window in windows:
            seed, _, share = window.partition("@")
            taken = interactions(events[events["time"] <= events["time"].quantile(float(share or 1))])
            taken = taken if way == "time" else interactions(taken.drop(columns="time"))
            split = split_interactions(
                taken, tuning=tuning, stability=stability, ranking=ranking, test=test, seed=int(seed)
            )
            users = taken.groupby("market")["user_id"].nunique()
            base, rows = _countries(split, int(seed))
            table = pd.DataFrame([{**row, "users": users[row["country"]]} for row in rows])
            print(f"\n{way}, seed {window}, the global model is {base}\n{_with_mean(table)}")
            held.setdefault(way, []).append(_verdict(table, base))
    for way, verdicts in held.items():
        first, second = (f"{sum(column)}/{len(verdicts)}" for column in zip(*verdicts, strict=True))
        print(f"\n{way}: at least global in every large country {first}; best mean {second}")


def _countries(split: Split, seed: int) -> tuple[MarketModel, list[Mapping[str, object]]]:
    """Return the global model, and for each country what the chosen model and each of the others earns on test."""
    tower, als = train_two_tower(split.train, seed=seed).tower, train_als(split.train, seed=seed)
    before = interactions(pd.concat([split.train, split.tuning, split.stability, split.ranking]))
    histories = Interactions(before if "time" in split.train else split.train)
    countries = sorted(split.test["market"].unique())
    models = {country: _models(split, country, tower, als, seed) for country in countries}
    scores = {}
    for country, its in models.items():
        own = (its["local_tower"], its["fine_tuned_tower"], its["local_als"])
        scores[country] = evaluate_market(split.train, split.tuning, als, tower, *own, country)
    selection = select_models(scores, evaluate_als(als, split.train, split.tuning).als_scores, seed=seed)
    rows: list[Mapping[str, object]] = []
    for country, its in models.items():
        asked = question(country, histories, split.test)
        ndcg = {name: float(np.mean(ndcg_at(K, ranks_by_model(asked, its[name])))) for name in MARKET_MODELS}
        chosen = selection.choices.model_for(country)
        rows.append({"country": country, "users": 0, "model": chosen, "chosen": ndcg[chosen], **ndcg})
    return selection.choices.global_model, rows


def _models(split: Split, country: str, tower: TwoTower, als: FactorModel, seed: int) -> dict[MarketModel, "Model"]:
    local, warm = fine_tune(split.train, split.tuning, tower, country, seed=seed)
    factors = factorise_market(split.train, country, seed=seed)
    return {
        "tower": tower,
        "local_tower": local,
        "fine_tuned_tower": warm,
        "als": als,
        "local_als": factors,
        "blend": Blend((factors, als, tower)),
        "tower_blend": Blend((local, tower, als)),
    }


def _verdict(table: pd.DataFrame, base: MarketModel) -> tuple[bool, bool]:
    """Print and return whether both promises hold."""
    large = table[table["users"] > MANY_USERS]
    worse = large[large["chosen"] < large[base]]["country"].tolist()
    mean = table["chosen"].mean()
    best = max(SINGLE, key=lambda name: table[name].mean())
    first, second = not worse, mean > table[best].mean()
    but = f", but not in {worse}" if worse else ""
    print(f"{'holds' if first else 'FAILS'}: at least {base} in every large country{but}")
    print(f"{'holds' if second else 'FAILS'}: mean {mean:.4f}, {best} everywhere {table[best].mean():.4f}")
    print(f"(blend everywhere {table['blend'].mean():.4f}, of towers {table['tower_blend'].mean():.4f})", flush=True)
    return first, second


def _with_mean(table: pd.DataFrame) -> str:
    mean = {"country": "mean", **table.drop(columns="users").mean(numeric_only=True)}
    return pd.concat([table, pd.DataFrame([mean])]).round(4).to_string(index=False, na_rep="")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["0", "1", "2", "3", "4"])
