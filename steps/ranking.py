"""How good a ranking is: ranks of the relevant items, metrics per user, and intervals over users.

Everything follows from the ranks of the relevant items, so no list is ever sorted to be judged.

Tie rule: among items of equal score the relevant ones come last. A model that gives every item the same score
earns nothing, and the order in which items are stored never changes a metric.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

UNRANKED = np.iinfo(np.int64).max
"""The rank of a relevant item that got no score."""

SCORES_AT_ONCE = 8_000_000
DRAWS_AT_ONCE = 4_000_000

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Scores = npt.NDArray[np.floating]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ranks:
    """The rank of every relevant item of every user; a user without one counts in no metric."""

    user: Rows
    """User (0 … users-1) of each relevant item, shape (relevant,)."""
    rank: Rows
    """Rank of each relevant item, 1 is first, UNRANKED if it got no score; shape (relevant,)."""
    users: int

    def relevant(self) -> Floats:
        """Return how many relevant items each user has, shape (users,)."""
        return np.bincount(self.user, minlength=self.users).astype("f8")


def ranks_of(scores: Scores, user: Rows, item: Rows) -> Ranks:
    """Return the ranks of relevant items in a score matrix.

    scores: shape (users, items); -inf marks what is not in the list (seen before, not a candidate).
    user, item: row and column of each relevant item, shape (relevant,); item -1 is one without a score.

    >>> ranks_of(np.array([[0.3, 0.9, 0.3]]), np.array([0]), np.array([0])).rank.tolist()
    [3]
    """
    rank = np.full(len(user), UNRANKED, dtype=np.int64)
    scored = np.flatnonzero(item >= 0)
    scored = scored[scores[user[scored], item[scored]] > -np.inf]
    own = scores[user[scored], item[scored]]  # (scored,)
    for part in _parts(len(scored), scores.shape[1]):
        rows = scores[user[scored[part]]]  # (part, items)
        rank[scored[part]] = np.count_nonzero(rows >= own[part, None], axis=1)
    rank[scored] -= _ties_below(user[scored], own)
    return Ranks(user, rank, len(scores))


def rank_all(users: Vectors, items: Vectors, seen: sparse.csr_matrix, user: Rows, item: Rows) -> Ranks:
    """Return the ranks of relevant items among all items, by inner product, seen items removed.

    users: shape (users, dim), a row of NaN for a user without a score; items: shape (items, dim);
    seen: shape (users, items), nonzero where the user met the item before; user, item: as in `ranks_of`.
    """
    order = np.argsort(user, kind="stable")
    sorted_user = user[order]
    rank = np.full(len(user), UNRANKED, dtype=np.int64)
    for part in _parts(len(users), len(items)):
        low, high = np.searchsorted(sorted_user, (part.start, part.stop))
        own = order[low:high]
        scores = unseen_scores(users[part], items, seen[part])
        rank[own] = ranks_of(scores, user[own] - part.start, item[own]).rank
    return Ranks(user, rank, len(users))


def top_items(users: Vectors, items: Vectors, seen: sparse.csr_matrix, k: int) -> tuple[Rows, Vectors]:
    """Return the best k unseen items of each user with their scores, best first, equal scores by ascending item.

    Returns items (users, k), -1 where a user has fewer than k, and scores (users, k), -inf there.
    """
    k = min(k, len(items))
    found = np.full((len(users), k), -1, dtype=np.int64)
    best = np.full((len(users), k), -np.inf, dtype="f4")
    for part in _parts(len(users), len(items)):
        scores = unseen_scores(users[part], items, seen[part])  # (part, items)
        found[part], best[part] = top_scores(scores, k)
    return found, best


def top_scores(scores: Scores, k: int) -> tuple[Rows, Scores]:
    """Return the best k columns of each row and their scores, best first, equal scores by ascending column.

    A column of -inf is not in the list: -1 stands in its place.
    """
    k = min(k, scores.shape[1])
    threshold = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]  # (rows, 1)
    above = scores > threshold
    at = scores == threshold
    at &= np.cumsum(at, axis=1) <= k - above.sum(axis=1, keepdims=True)
    columns = np.nonzero(above | at)[1].reshape(len(scores), k)
    chosen = np.take_along_axis(scores, columns, axis=1)
    order = np.argsort(-chosen, axis=1, kind="stable")
    columns, chosen = np.take_along_axis(columns, order, axis=1), np.take_along_axis(chosen, order, axis=1)
    return np.where(chosen > -np.inf, columns, -1), chosen


def unseen_scores(users: Vectors, items: Vectors, seen: sparse.csr_matrix) -> Vectors:
    """Return the inner products (users, items), -inf for seen items and for users without a vector (NaN)."""
    scores = (users @ items.T).astype("f4", copy=False)
    scores[np.isnan(scores)] = -np.inf
    rows = np.repeat(np.arange(len(users)), np.diff(seen.indptr))
    scores[rows, seen.indices] = -np.inf
    return scores


def ndcg_at(k: int, ranks: Ranks) -> Floats:
    """Return the nDCG at k of each user with binary relevance, shape (users,); 0 for a user without relevant items."""
    gains = np.where(ranks.rank <= k, 1 / np.log2(1.0 + np.minimum(ranks.rank, k)), 0.0)
    ideal = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))])
    best = ideal[np.minimum(ranks.relevant(), k).astype(int)]
    return _ratio(_sum_per_user(ranks, gains), best)


def recall_at(k: int, ranks: Ranks) -> Floats:
    """Return the share of each user's relevant items that are in the first k, shape (users,)."""
    return _ratio(_sum_per_user(ranks, ranks.rank <= k), ranks.relevant())


def hit_rate_at(k: int, ranks: Ranks) -> Floats:
    """Return 1 for each user with a relevant item in the first k, else 0, shape (users,)."""
    return (_sum_per_user(ranks, ranks.rank <= k) > 0).astype("f8")


def reciprocal_rank_at(k: int, ranks: Ranks) -> Floats:
    """Return 1 / (rank of the first relevant item) of each user, 0 beyond k, shape (users,)."""
    first = np.full(ranks.users, UNRANKED, dtype=np.int64)
    np.minimum.at(first, ranks.user, ranks.rank)
    return np.where(first <= k, 1.0 / first, 0.0)


def average_precision_at(k: int, ranks: Ranks) -> Floats:
    """Return the mean precision at the relevant items in the first k over min(k, relevant), shape (users,)."""
    order = np.lexsort((ranks.rank, ranks.user))
    user, rank = ranks.user[order], ranks.rank[order]
    found = np.arange(len(user)) - np.searchsorted(user, user) + 1  # how many of the user's are at this rank or above
    precision = np.where(rank <= k, found / rank, 0.0)
    total = np.bincount(user, precision, ranks.users).astype("f8")
    return _ratio(total, np.minimum(ranks.relevant(), k))


METRICS: dict[str, Callable[[int, Ranks], Floats]] = {
    "ndcg": ndcg_at,
    "recall": recall_at,
    "hit_rate": hit_rate_at,
    "mrr": reciprocal_rank_at,
    "map": average_precision_at,
}
"""Every metric by the name under which it is reported, as in `ndcg@10`."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over users with its bootstrap interval."""

    mean: float
    low: float
    high: float
    users: int

    @property
    def width(self) -> float:
        """High minus low."""
        return self.high - self.low

    def __str__(self) -> str:
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"


def bootstrap_interval(values: Floats, *, seed: int = 0, resamples: int = 1000, level: float = 0.95) -> Interval:
    """Return the mean of per-user values with its percentile bootstrap interval over users.

    values: shape (users,). Two models are compared by the interval of their per-user differences. No users: all zero.
    """
    (interval,) = bootstrap_intervals(values[:, None], seed=seed, resamples=resamples, level=level)
    return interval


def bootstrap_intervals(
    values: Floats, *, seed: int = 0, resamples: int = 1000, level: float = 0.95
) -> tuple[Interval, ...]:
    """Return the interval of every column of per-user values, all columns by the same draws of users.

    values: shape (users, columns), such as one column a metric; each gets what `bootstrap_interval` gives it alone.
    """
    users, columns = values.shape
    if not users:
        return tuple(Interval(0.0, 0.0, 0.0, 0) for _ in range(columns))
    generator = np.random.default_rng(seed)
    means = np.concatenate(
        [_drawn(generator, part.stop - part.start, users) @ values for part in _parts(resamples, users, DRAWS_AT_ONCE)]
    )  # (resamples, columns)
    low, high = np.quantile(means / users, [(1 - level) / 2, (1 + level) / 2], axis=0)
    bounds = zip(values.mean(axis=0), low, high, strict=True)
    return tuple(Interval(float(mean), float(below), float(above), users) for mean, below, above in bounds)


def _drawn(generator: np.random.Generator, samples: int, users: int) -> Floats:
    """Return how often each sample of as many users as there are holds each user, shape (samples, users)."""
    draws = generator.integers(users, size=(samples, users)) + np.arange(0, samples * users, users)[:, None]
    drawn: Floats = np.bincount(draws.ravel(), minlength=samples * users).reshape(samples, users).astype("f8")
    return drawn


def _ties_below(user: Rows, own: Scores) -> Rows:
    """Return for each relevant item how many relevant items of its user tie with it and stand behind it."""
    order = np.lexsort((own, user))
    user, own = user[order], own[order]
    starts = np.flatnonzero(np.r_[True, (user[1:] != user[:-1]) | (own[1:] != own[:-1])]) if len(user) else user
    group = np.repeat(starts, np.diff(np.r_[starts, len(user)]))
    below = np.empty(len(user), dtype=np.int64)
    below[order] = np.arange(len(user)) - group
    return below


def _sum_per_user(ranks: Ranks, weights: npt.NDArray[np.bool_] | Floats) -> Floats:
    total: Floats = np.bincount(ranks.user, weights, ranks.users).astype("f8")
    return total


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    ratio: Floats = np.divide(numerator, denominator, out=np.zeros_like(numerator, dtype="f8"), where=denominator > 0)
    return ratio


def _parts(count: int, width: int, at_once: int = SCORES_AT_ONCE) -> Iterator[slice]:
    step = max(1, at_once // max(1, width))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))
