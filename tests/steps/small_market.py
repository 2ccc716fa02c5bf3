"""A small made-up world with taste in it: two markets whose users mostly stay with the items of their own group."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaon.artifacts import FactorModel
from kaon.steps.interactions import Interactions, interactions, pairs
from kaon.steps.market_models import MarketChoices
from kaon.steps.sources import Sources, build_sources
from kaon.steps.two_tower import TwoTower, untrained

MARKETS = ["ca", "uk"]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Slices and models as the workflow hands them on."""

    everything: Interactions
    train: Interactions
    ranking: Interactions
    test: Interactions
    als: FactorModel
    tower: TwoTower
    choices: MarketChoices

    def sources(self) -> Sources:
        """Return the sources of train."""
        return build_sources(self.train, self.als, self.tower, dict.fromkeys(MARKETS, self.tower), MARKETS)


def small_world(users: int = 400, items: int = 120, groups: int = 6, seed: int = 0) -> World:
    """Return a world in which every user has eight items, one of them in `ranking` or `test`."""
    random = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, items // groups + 1) ** 0.7
    rows = []
    for user in range(users):
        group = random.integers(groups)
        own = group + groups * random.choice(items // groups, 7, replace=False, p=popularity / popularity.sum())
        any_item = random.choice(np.setdiff1d(np.arange(items), own), 1)
        held = ("ranking", "ranking", "test")[user % 3]
        for place, item in enumerate([*own, *any_item]):
            rows.append((f"u{user:04}", f"i{item:03}", MARKETS[user % 5 == 0], held if place == 0 else "train"))
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "market", "slice"]).assign(rating=1.0)
    slices = {name: interactions(part) for name, part in frame.groupby("slice")}
    return World(
        interactions(frame),
        slices["train"],
        slices["ranking"],
        slices["test"],
        small_als(slices["train"]),
        untrained(sorted(frame["item_id"].unique()), MARKETS, 8, seed),
        MarketChoices({}),
    )


def small_als(train: Interactions, rank: int = 8) -> FactorModel:
    """Return a factorisation by a plain singular value decomposition, with the config of `train_als`."""
    numbered = pairs(train)
    left, strength, right = np.linalg.svd(numbered.matrix().toarray(), full_matrices=False)
    config = {"engine": "implicit", "rank": rank, "alpha": 10.0, "regularization": 0.1}
    scale = np.sqrt(strength[:rank])
    return FactorModel(numbered.user_ids, numbered.item_ids, left[:, :rank] * scale, right[:rank].T * scale, config)
