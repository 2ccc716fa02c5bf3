"""Whether the context of the moment helps: the two-tower on Frappe, told the hour and the weekday, and not told.

python tests/benchmarks/context.py [FOLDER]

FOLDER has frappe.csv; ../shared/data/frappe without one. A tenth of the pairs is held out; each is a question of its
own: rank all apps that its user has not used, in the situation of that use. Two towers are trained alike, one with
the context and one without; the former is also asked without telling it. Means over users, with 95 % intervals, for
three seeds.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from kaon.steps.datasets import load
from kaon.steps.held_out import held_out
from kaon.steps.interactions import CONTEXT, Interactions, histories, positions
from kaon.steps.ranking import Floats, bootstrap_interval, ndcg_at, rank_all
from kaon.steps.train_two_tower import train_two_tower
from kaon.steps.two_tower import TwoTower

SETTINGS: Mapping[str, object] = {"epochs": 4, "batch_size": 128, "uniform_negatives": 128, "context_dropout": 0.5}
WITH, UNTOLD, WITHOUT = "trained with context, told it", "trained with context, not told", "trained without context"


def measure(frame: Interactions, *, seed: int = 0) -> dict[str, Floats]:
    """Return nDCG@10 of each way, one value a user."""
    held = held_out(frame["user_id"] + " " + frame["item_id"], 0.1, seed)
    train = Interactions(frame[~held].reset_index(drop=True))
    asked = frame[held & frame["user_id"].isin(train["user_id"]).to_numpy()].reset_index(drop=True)
    aware = train_two_tower(train, seed=seed, **SETTINGS).tower
    plain = train_two_tower(train, seed=seed, context=(), **SETTINGS).tower
    told = {name: asked[name].tolist() for name in CONTEXT if name in asked}
    return {
        WITH: _ndcg(aware, train, asked, told),
        UNTOLD: _ndcg(aware, train, asked, {}),
        WITHOUT: _ndcg(plain, train, asked, {}),
    }


def _ndcg(tower: TwoTower, train: Interactions, asked: pd.DataFrame, told: Mapping[str, list[str]]) -> Floats:
    met = histories(train)
    own = [met[user] for user in asked["user_id"]]
    rows = np.repeat(np.arange(len(own)), [len(items) for items in own])
    columns = tower.item_rows([item for items in own for item in items])
    seen = sparse.csr_matrix((np.ones(len(rows), "i1"), (rows, columns)), shape=(len(own), len(tower.item_ids)))
    users = tower.user_vectors(own, asked["market"].tolist(), told)
    answers = positions(asked["item_id"], tower.item_ids)
    ranks = rank_all(users, tower.item_vectors(), seen, np.arange(len(own)), answers)
    per_user: Floats = pd.Series(ndcg_at(10, ranks)).groupby(asked["user_id"].to_numpy()).mean().to_numpy()
    return per_user


def main(folder: Path | None = None) -> None:
    """Print nDCG@10 of each way, and what the context adds."""
    found = [measure(load("frappe", folder), seed=seed) for seed in range(3)]
    for name in found[0]:
        print(f"{name}: nDCG@10 {' '.join(str(bootstrap_interval(one[name])) for one in found)}")
    for name in (WITH, UNTOLD):
        gains = [bootstrap_interval(one[name] - one[WITHOUT]) for one in found]
        print(f"{name}, over {WITHOUT}: {' '.join(map(str, gains))}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
