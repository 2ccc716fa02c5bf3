"""How well titles that training never saw are ranked: the two-tower's content against what popularity can say of them.

python tests/benchmarks/cold_start.py [FOLDER]

FOLDER has MovieLens-1M with movies_extrainfos.dat; ../shared/data/movielens-1m without one. A seeded share of the
titles is taken out of train; for every user who met one of them, all of them are ranked. Printed are the means over
users with their 95 % bootstrap intervals, and last the gain of the tower over the best that popularity can do fairly,
paired by user. The oracle knows the answers: it is the popularity that the titles are going to have.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from kaon.steps.cold_start import (
    ColdQuestion,
    cold_question,
    hold_out_items,
    intervals,
    ranks_by_chance,
    ranks_by_content,
    ranks_by_genre,
    ranks_by_mean_user,
    ranks_by_oracle,
    ranks_by_tokens,
)
from kaon.steps.datasets import load
from kaon.steps.datasets.catalogue import Catalogue, load_catalogue
from kaon.steps.interactions import Interactions
from kaon.steps.ranking import Interval, Ranks, bootstrap_interval, ndcg_at
from kaon.steps.two_tower import Epoch, Fitted, Schedule, TwoTower, fit, untrained

TOWER = "two-tower, content alone"
FAIR = ("genre popularity in the market", "popularity foretold from all tokens")
SCHEDULE = Schedule(
    epochs=6,
    batch_size=512,
    learning_rate=3e-3,
    temperature=0.5,
    uniform_negatives=256,
    weight_decay=0.01,
    dropout=0.1,
    seed=0,
    id_dropout=0.5,
    history_limit=50,
    patience=2,
)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What the table shows."""

    asked: ColdQuestion
    fitted: Fitted
    ranks: Mapping[str, Ranks]

    def gain(self) -> tuple[str, Interval]:
        """Return the best fair baseline, and what the tower's nDCG@10 adds to it, user by user."""
        ndcg = {name: ndcg_at(10, ranks) for name, ranks in self.ranks.items()}
        best = max(FAIR, key=lambda name: ndcg[name].mean())
        return best, bootstrap_interval(ndcg[TOWER] - ndcg[best])


def measure(
    frame: Interactions, catalogue: Catalogue, *, schedule: Schedule = SCHEDULE, pairs: int = 30, seed: int = 0
) -> Measured:
    """Return how a tower and the baselines rank 15 % of the items, which none of them has seen.

    pairs: of a user that the tower is trained on at most, drawn once; its users have their whole histories later.
    """
    warm, cold = hold_out_items(frame, share=0.15, seed=seed)
    asked = cold_question(warm, cold, catalogue)
    fitted = cold_tower(warm, catalogue, schedule, pairs=pairs, seed=seed)
    ranks = {
        TOWER: ranks_by_content(asked, fitted.tower),
        "the same for the market's mean user": ranks_by_mean_user(asked, fitted.tower),
        "genre popularity in the market": ranks_by_genre(asked, warm, catalogue),
        "popularity foretold from all tokens": ranks_by_tokens(asked, warm, catalogue, penalty=5.0),
        "chance": ranks_by_chance(asked, seed=seed),
        "oracle: popularity among the answers": ranks_by_oracle(asked),
    }
    return Measured(asked, fitted, ranks)


def cold_tower(warm: Interactions, catalogue: Catalogue, schedule: Schedule, *, pairs: int, seed: int) -> Fitted:
    """Return a tower trained on most items of train, stopped where it ranks the others best by their content."""
    taught, unmet = hold_out_items(warm, share=0.1, seed=seed + 1)
    judged = cold_question(taught, unmet, catalogue)

    def judge(tower: TwoTower) -> float:
        return float(ndcg_at(10, ranks_by_content(judged, tower)).mean())

    items, markets = sorted(taught["item_id"].unique()), sorted(taught["market"].unique())
    tower = untrained(items, markets, 64, seed, content=catalogue)
    return fit(tower, _thinned(taught, pairs, seed), schedule, _told, judge=judge)


def _told(epoch: Epoch) -> None:
    print(f"epoch {epoch.epoch}: loss {epoch.loss:.4f}, nDCG@10 on titles held out of train {epoch.judged:.4f}")


def _thinned(frame: Interactions, pairs: int, seed: int) -> Interactions:
    """Return at most so many interactions of each user."""
    mixed = frame.assign(order=np.random.default_rng(seed).random(len(frame))).sort_values("order")
    kept = mixed.groupby("user_id").cumcount() < pairs
    return Interactions(frame[kept.sort_index()].reset_index(drop=True))


def main(folder: Path | None = None) -> None:
    """Print the table."""
    found = measure(load("movielens-1m", folder), load_catalogue("movielens-1m", folder))
    title = f"{len(found.asked.items)} new titles, {len(found.asked.user_ids)} users, {len(found.asked.user)} answers"
    table = Table("by", "nDCG@10", "recall@10", "HR@10", title=title)
    for name, ranks in found.ranks.items():
        table.add_row(name, *map(str, intervals(ranks).values()))
    best, gain = found.gain()
    Console(width=140).print(table)
    base = ndcg_at(10, found.ranks[best]).mean()
    print(f"{TOWER} over {best}: {gain}, {100 * gain.mean / base:+.1f} %; epoch {found.fitted.best} of the training")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
