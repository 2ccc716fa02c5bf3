"""Interactions in the form that training reads: numbers, histories end to end, and what is drawn how often."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..interactions import Interactions
from .model import TwoTower

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Market:
    """What one market's batches are drawn from."""

    pairs: Numbers
    """Its examples."""
    catalogue: Numbers
    """Rows of the items that were met there."""
    frequency: npt.NDArray[np.float64]
    """Share of each item among its pairs, shape (items,)."""


@dataclass(frozen=True, slots=True)
class Examples:
    """One example a pair; the pairs are sorted by user, so a user's history is one stretch of `items`."""

    users: Numbers
    """Number of each example's user, shape (examples,)."""
    items: Numbers
    """Row of each example's item in the tower, shape (examples,)."""
    contexts: Numbers
    """Rows of each example's context in the tower, shape (examples, columns)."""
    starts: Numbers
    """Where each user's stretch begins; one more at the end, shape (users + 1,)."""
    markets: tuple[Market, ...]
    """In the order of the tower's markets."""

    def histories_of(self, users: Numbers) -> tuple[Numbers, Numbers]:
        """Return the items of each user's history end to end, and the lengths of the histories (users,)."""
        lengths = self.starts[users + 1] - self.starts[users]
        return self.items[np.repeat(self.starts[users], lengths) + _within(lengths)], lengths

    def drawn_histories_of(self, pairs: Numbers, limit: int, generator: np.random.Generator) -> tuple[Numbers, Numbers]:
        """Return the histories of the examples' users, as `histories_of`, none with more than `limit` + 1 items.

        A longer one is the example's own item and `limit` others, drawn with replacement.
        """
        users = self.users[pairs]
        lengths = self.starts[users + 1] - self.starts[users]
        long = lengths > limit + 1
        taken = np.where(long, limit + 1, lengths)
        place = _within(taken)
        of_long = np.repeat(long, taken)
        own, others = (np.repeat(counts, taken)[of_long] for counts in (pairs - self.starts[users], lengths - 1))
        drawn = (generator.random(len(own)) * others).astype(np.int64)
        place[of_long] = np.where(place[of_long] == 0, own, drawn + (drawn >= own))
        return self.items[np.repeat(self.starts[users], taken) + place], taken


def examples_of(train: Interactions, tower: TwoTower) -> Examples:
    """Return the examples of the interactions whose item and market the tower knows, whatever the order of the rows."""
    items = tower.item_rows(train["item_id"].to_numpy())
    markets = tower.market_rows(train["market"].tolist()).numpy()
    told = {name: train[name].tolist() for name in tower.contexts if name in train}
    contexts = tower.context_rows(told, len(train)).numpy()
    known = (items >= 0) & (markets < len(tower.markets))
    users = pd.factorize(train["user_id"][known], sort=True)[0].astype(np.int64)
    order = np.lexsort((items[known], users))
    users, items, markets = users[order], items[known][order], markets[known][order]
    starts = np.searchsorted(users, np.arange((users.max() if len(users) else -1) + 2))
    of_market = (np.flatnonzero(markets == number) for number in range(len(tower.markets)))
    drawn_from = tuple(_market(pairs, items, len(tower.item_ids)) for pairs in of_market)
    return Examples(users, items, contexts[known][order], starts, drawn_from)


def _within(lengths: Numbers) -> Numbers:
    """Return 0, 1, … for each of several stretches end to end."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _market(pairs: Numbers, items: Numbers, vocabulary: int) -> Market:
    counts = np.bincount(items[pairs], minlength=vocabulary)
    return Market(pairs, np.flatnonzero(counts), counts / max(1, len(pairs)))
