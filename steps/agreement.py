"""How much two models that were trained alike agree: the difference of what they earn, and of what they offer."""

from collections.abc import Sequence

import numpy as np

from .full_ranking import Question
from .ranking import Floats, Rows, top_items
from .two_tower import TwoTower


def overlap_at(k: int, asked: Sequence[Question], one: TwoTower, other: TwoTower) -> Floats:
    """Return for each user with a history the share of the first k unseen items that both towers offer."""
    return np.concatenate([*(_shared(k, question, one, other) for question in asked), np.empty(0)])


def _shared(k: int, asked: Question, one: TwoTower, other: TwoTower) -> Floats:
    known = np.array([bool(met) for met in asked.histories], dtype=bool)
    first, second = (_top(k, asked, tower)[known] for tower in (one, other))
    both = (first[:, :, None] == second[:, None, :]) & (first >= 0)[:, :, None]
    shared: Floats = both.any(axis=2).sum(axis=1) / np.maximum((first >= 0).sum(axis=1), 1)
    return shared


def _top(k: int, asked: Question, tower: TwoTower) -> Rows:
    rows = tower.item_rows(asked.catalogue)
    items = tower.item_vectors()[rows]
    items[rows < 0] = np.nan  # an item that the tower does not know is not offered
    users = tower.user_vectors(asked.histories, [asked.market] * len(asked.user_ids))
    return top_items(users, items, asked.seen, k)[0]
