"""Lists of candidates: what retrieval finds for a user, and the lists that the ranker learns from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .context_crosses import moments
from .features import JACCARD_SHRINKAGE, Queries, queries
from .neighbours import jaccard
from .sources import Rows, Sources, Vectors

if TYPE_CHECKING:  # who serves needs no pandas
    from .interactions import Interactions

USERS_AT_ONCE = 512
OVERDRAW = 2
"""Uniform candidates drawn per candidate wanted, since some are seen, drawn twice or the positive itself."""

RETRIEVING = ("als", "tower", "chosen", "market_jaccard", "market_popularity")
"""The sources that retrieve, by the names of their scores."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Positives:
    """Users of `sources.user_ids` and the item that each met outside the histories."""

    users: Rows
    items: Rows
    moment: Rows
    """When and on what each met it: of each column of `sources.context` the value, -1 for an unknown one; shape
    (users, columns)."""

    def part(self, rows: Rows | Mask) -> "Positives":
        """Return some of the users."""
        return Positives(self.users[rows], self.items[rows], self.moment[rows])


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The union of what the sources found, one list per row; the order within a list says nothing."""

    items: Rows
    """Shape (lists, candidates), -1 where a source found less or what a source before it had found."""
    source: Rows
    """Which of RETRIEVING found each item, the first of them if several did; shape (lists, candidates)."""
    score: Vectors
    """What that source says of the item, shape (lists, candidates)."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Candidates with what came of them, one list per row."""

    users: Rows
    """Shape (lists,)."""
    items: Rows
    """Shape (lists, candidates), -1 beyond a list's end."""
    relevant: Mask
    """Shape (lists, candidates), one True a list."""
    moment: Rows
    """When and on what each list is asked for, as in Queries; shape (lists, columns)."""

    def part(self, rows: Rows) -> "Lists":
        """Return some of the lists."""
        return Lists(self.users[rows], self.items[rows], self.relevant[rows], self.moment[rows])


def positives_of(sources: Sources, slice_: "Interactions") -> Positives:
    """Return the interactions of a slice whose user has a history and whose item is known, one per user.

    Each has the moment of its interaction, as a server knows it of the request that led to one.
    """
    from .interactions import context_of, positions

    users = positions(slice_["user_id"].to_numpy(), sources.user_ids)
    items = positions(slice_["item_id"].to_numpy(), sources.item_ids)
    rows = np.flatnonzero((users >= 0) & (items >= 0))
    rows = rows[np.unique(users[rows], return_index=True)[1]]
    moment = moments(sources.context, context_of(slice_), len(slice_))
    return Positives(users[rows], items[rows], moment[rows])


def pools_of(sources: Sources, held_out: Positives, *, minimum_users: int) -> tuple[Rows, ...]:
    """Return for each market the items that lists are drawn from: those that enough users of the market met.

    Held-out positives count as well: a rule on the histories alone would keep an item that lost its only user out of
    the negatives but not out of the positives, and the ranker would learn that rare items are right.
    """
    pools = []
    for market, local in enumerate(sources.by_market):
        mine = held_out.items[sources.market_of_user[held_out.users] == market]
        users = local.users + np.bincount(mine, minlength=len(sources.item_ids))
        pools.append(np.flatnonzero(users >= minimum_users))
    return tuple(pools)


def in_pools(sources: Sources, held_out: Positives, pools: tuple[Rows, ...]) -> Positives:
    """Return the positives whose item could have been drawn as a negative too."""
    market = sources.market_of_user[held_out.users]
    keep = np.zeros(len(market), dtype=bool)
    for number, pool in enumerate(pools):
        mine = market == number
        keep[mine] = np.isin(held_out.items[mine], pool)
    return held_out.part(keep)


def uniform_lists(
    sources: Sources, held_out: Positives, pools: tuple[Rows, ...], *, negatives: int, seed: int
) -> Lists:
    """Return lists like those of the WSDM Cup: a user's positive among unseen items drawn uniformly from the market.

    The positive stands at a random place. A pool with too few items gives shorter lists.
    """
    random = np.random.default_rng(seed)
    drawn = np.full((len(held_out.users), negatives), -1, dtype=np.int64)
    market = sources.market_of_user[held_out.users]
    for number, pool in enumerate(pools):
        mine = np.flatnonzero(market == number)
        if len(mine) and len(pool):
            some = pool[random.integers(len(pool), size=(len(mine), OVERDRAW * negatives))]
            drawn[mine] = _first(some, _usable(sources, held_out, mine, some), negatives)
    return _with_positive(held_out, drawn, random)


def retrieved_lists(sources: Sources, held_out: Positives, *, per_source: int, seed: int) -> Lists:
    """Return lists of what retrieval finds, of the users for whom it finds the positive.

    Adding a positive that retrieval missed would teach the ranker that what no source likes is right.
    """
    asked = queries(sources, held_out.users, np.empty((len(held_out.users), 0), dtype=np.int64), held_out.moment)
    found = retrieve(sources, asked, per_source=per_source).items
    hit = np.flatnonzero((found == held_out.items[:, None]).any(axis=1))
    kept, found = held_out.part(hit), found[hit]
    found[found == kept.items[:, None]] = -1
    return _with_positive(kept, found, np.random.default_rng(seed))


def retrieve(sources: Sources, asked: Queries, *, per_source: int) -> Retrieved:
    """Return the union of the best unseen items of every source of RETRIEVING, with source and score.

    per_source: items of each source; a list has as many candidates as there are sources times this.
    """
    shape = (len(asked.market), len(RETRIEVING) * per_source)
    items, score = np.full(shape, -1, dtype=np.int64), np.zeros(shape, "f4")
    for start in range(0, len(items), USERS_AT_ONCE):
        part = np.arange(start, min(start + USERS_AT_ONCE, len(items)))
        for market in np.unique(asked.market[part]):
            rows = part[asked.market[part] == market]
            items[rows], score[rows] = _retrieved(sources, asked.part(rows), int(market), per_source)
    return Retrieved(items, np.broadcast_to(np.arange(shape[1]) // per_source, shape), score)


def _retrieved(sources: Sources, asked: Queries, market: int, per_source: int) -> tuple[Rows, Vectors]:
    local = sources.by_market[market] if market >= 0 else sources.everywhere
    every = np.arange(len(sources.item_ids))
    vectors = sources.vectors()
    scores = {
        **{name: asked.vectors[name] @ vectors[name].table(market).T for name in RETRIEVING if name in vectors},
        "market_jaccard": (asked.history @ jaccard(local, JACCARD_SHRINKAGE)).toarray(),
        "market_popularity": np.broadcast_to(local.log_users, (len(asked.market), len(every))),
    }
    refused = (asked.history.toarray() > 0) | (local.users == 0)
    best = [_best(scores[name], refused, per_source) for name in RETRIEVING]
    found = np.concatenate([items for items, _ in best], axis=1)
    return _without_repeats(found), np.concatenate([score for _, score in best], axis=1)


def _best(scores: Vectors, refused: Mask, count: int) -> tuple[Rows, Vectors]:
    """Return the best items of each row, -1 where there are fewer than `count`, and their scores."""
    allowed = np.where(refused, -np.inf, scores)
    items = np.full((len(allowed), count), -1, dtype=np.int64)
    best = np.zeros(items.shape, "f4")
    found = np.argpartition(-allowed, min(count, allowed.shape[1]) - 1, axis=1)[:, :count]
    own = np.take_along_axis(allowed, found, axis=1)
    items[:, : found.shape[1]] = np.where(own > -np.inf, found, -1)
    best[:, : found.shape[1]] = np.where(own > -np.inf, own, 0)
    return items, best


def _usable(sources: Sources, held_out: Positives, mine: Rows, some: Rows) -> Mask:
    users = np.broadcast_to(held_out.users[mine][:, None], some.shape)
    seen = np.asarray(sources.seen[users.ravel(), some.ravel()]).reshape(some.shape) > 0
    usable: Mask = ~seen & (some != held_out.items[mine][:, None]) & (_without_repeats(some) >= 0)
    return usable


def _without_repeats(items: Rows) -> Rows:
    """Return the items with -1 where one stood earlier in its row."""
    order = np.argsort(items, axis=1, kind="stable")
    ordered = np.take_along_axis(items, order, axis=1)
    ordered[:, 1:][ordered[:, 1:] == ordered[:, :-1].copy()] = -1
    unique = np.empty_like(items)
    np.put_along_axis(unique, order, ordered, axis=1)
    return unique


def _first(items: Rows, usable: Mask, count: int) -> Rows:
    order = np.argsort(~usable, axis=1, kind="stable")[:, :count]
    return np.where(np.take_along_axis(usable, order, axis=1), np.take_along_axis(items, order, axis=1), -1)


def _with_positive(held_out: Positives, negatives: Rows, random: np.random.Generator) -> Lists:
    items = np.concatenate([held_out.items[:, None], negatives], axis=1)
    relevant = np.zeros(items.shape, dtype=bool)
    relevant[:, 0] = True
    order = random.permuted(np.broadcast_to(np.arange(items.shape[1]), items.shape), axis=1)
    return Lists(
        held_out.users,
        np.take_along_axis(items, order, axis=1),
        np.take_along_axis(relevant, order, axis=1),
        held_out.moment,
    )
