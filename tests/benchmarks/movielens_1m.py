"""How well ALS at rank 64 ranks MovieLens-1M in the protocol of He et al. 2017 (Neural Collaborative Filtering).

python -m tests.benchmarks.movielens_1m FOLDER [implicit] [spark]

FOLDER holds MovieLens-1M, as the data set `movielens-1m` of `select_users` reads it. Every user's last interaction in
time is held out, and all others train, whatever their stars. The held-out item is ranked among 99 items that the user
never met, drawn uniformly without replacement: HR@10 is the share of users with it in the first ten, NDCG@10 is
1 / log2(1 + rank) there and 0 elsewhere. Printed are means over so many draws of the 99, and their standard deviation.
Compare with other figures of this protocol only: sampled metrics are no estimate of a full ranking's, even in order
(Krichene and Rendle 2020). Published with it: NeuMF .726 / .445, iALS of 192 dimensions .731 / .453 (Rendle et al.).
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.table import Table

from kaon.steps.datasets.missing import found
from kaon.steps.datasets.movielens import PUBLISHED_1M, RATINGS_1M, TERMS_1M
from kaon.steps.interactions import Interactions, interactions, positions
from kaon.steps.ranking import Rows, Vectors, hit_rate_at, ndcg_at, ranks_of
from kaon.steps.train_als import train_als

NEGATIVES = 99
DRAWS = 5
ALPHA = 3.3
ITERATIONS = 8
REGULARIZATION: dict[Literal["implicit", "spark"], float] = {"implicit": 40.0, "spark": 0.1}
"""That of implicit was chosen on each user's last interaction but one, Spark's is one that is known to work there;
see train_als for why the engines differ."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Everyone's last interaction, and all before it."""

    train: Interactions
    user_ids: npt.NDArray[np.str_]
    """Sorted, shape (users,)."""
    item_ids: npt.NDArray[np.str_]
    """Sorted, shape (items,)."""
    last: Rows
    """The item that each user met last, shape (users,)."""
    met: npt.NDArray[np.bool_]
    """Who met what, the last included, shape (users, items)."""

    def draws(self, count: int) -> Iterator[Rows]:
        """Return the lists of so many draws, each of shape (users, 1 + NEGATIVES), the held-out item first."""
        for seed in range(count):
            chance = np.random.default_rng(seed).random(self.met.shape, dtype="f4")
            chance[self.met] = 2.0
            drawn = np.argpartition(chance, NEGATIVES, axis=1)[:, :NEGATIVES]
            yield np.concatenate([self.last[:, None], drawn], axis=1)


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over the draws; each has the standard deviation between draws beside it."""

    hit_rate: tuple[float, float]
    ndcg: tuple[float, float]


def held_out(folder: Path) -> HeldOut:
    """Return MovieLens-1M with everyone's last interaction held out.

    Raises MissingDataset where the folder does not hold it.
    """
    names = ("ratings.dat", "interactions_time_ordered.csv")
    path = found("movielens-1m", folder, names, published=PUBLISHED_1M, terms=TERMS_1M)
    if path.name.startswith("ratings.dat"):
        events = pd.read_csv(path, sep="::", engine="python", names=RATINGS_1M, dtype={"user_id": str})
    else:
        own = {"movie_id": "item_id", "rank_in_user_by_time": "time"}
        events = pd.read_csv(path, dtype={"user_id": str}).rename(columns=own)
    events = events.astype({"item_id": str}).sort_values("time", kind="stable", ignore_index=True)
    ends = ~events.duplicated("user_id", keep="last")
    user_ids, item_ids = (np.unique(events[name].to_numpy(dtype=np.str_)) for name in ("user_id", "item_id"))
    users, items = positions(events["user_id"], user_ids), positions(events["item_id"], item_ids)
    met = np.zeros((len(user_ids), len(item_ids)), dtype=bool)
    met[users, items] = True
    last = np.empty(len(user_ids), dtype=np.int64)
    last[users[ends]] = items[ends]
    train = interactions(events.loc[~ends, ["user_id", "item_id"]].assign(market="all", rating=1.0), source=path.name)
    return HeldOut(train, user_ids, item_ids, last, met)


def als_scores(world: HeldOut, engine: Literal["implicit", "spark"]) -> Vectors:
    """Return the scores (users, items) of ALS at rank 64; an item that nobody met in train has none."""
    als = train_als(
        world.train,
        engine=engine,
        rank=64,
        iterations=ITERATIONS,
        regularization=REGULARIZATION[engine],
        alpha=ALPHA,
        seed=0,
    )
    scores = np.full(world.met.shape, -np.inf, "f4")
    scores[:, positions(als.item_ids, world.item_ids)] = als.user_factors @ als.item_factors.T
    return scores


def popularity_scores(world: HeldOut) -> Vectors:
    """Return how many users met each item in train, for everyone: shape (users, items)."""
    counts = np.bincount(positions(world.train["item_id"], world.item_ids), minlength=len(world.item_ids))
    return np.broadcast_to(counts.astype("f4"), world.met.shape)


def quality(world: HeldOut, scores: Vectors, draws: int = DRAWS) -> Quality:
    """Return how well the scores (users, items) rank the held-out items; ties count against them."""
    users = np.arange(len(world.user_ids))
    ranked = [
        ranks_of(np.take_along_axis(scores, listed, axis=1), users, np.zeros_like(users))
        for listed in world.draws(draws)
    ]
    hits, gains = ([metric(10, ranks).mean() for ranks in ranked] for metric in (hit_rate_at, ndcg_at))
    return Quality((float(np.mean(hits)), float(np.std(hits))), (float(np.mean(gains)), float(np.std(gains))))


def main(folder: Path, engines: Sequence[str]) -> None:
    """Print the table."""
    world = held_out(folder)
    table = Table("", "HR@10", "NDCG@10", "seconds", title=f"{len(world.user_ids)} users, {len(world.item_ids)} items")
    table.add_row("popularity", *_told(quality(world, popularity_scores(world))), "")
    for engine in REGULARIZATION:
        if engine in engines or not engines:
            began = time.perf_counter()
            scores = als_scores(world, engine)
            took = time.perf_counter() - began
            name = f"ALS by {engine}, alpha {ALPHA}, regularization {REGULARIZATION[engine]}, {ITERATIONS} iterations"
            table.add_row(name, *_told(quality(world, scores)), f"{took:.1f}")
    Console(width=130).print(table)


def _told(found: Quality) -> tuple[str, str]:
    return f"{found.hit_rate[0]:.4f} ± {found.hit_rate[1]:.4f}", f"{found.ndcg[0]:.4f} ± {found.ndcg[1]:.4f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
