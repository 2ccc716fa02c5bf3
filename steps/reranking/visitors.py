"""Whom a list is for: somebody known, somebody who chose a few titles, or somebody of whom nothing is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ..context_crosses import moments, untold
from ..features import Queries, queries
from ..id_rows import rows_of
from ..ranking import Rows
from ..sources import Sources, Vectors
from ..vector_source import VectorSource

Ids = npt.NDArray[np.str_]

Fallback = Literal["personal", "onboarding", "market popularity", "global popularity"]
"""What an answer rests on: the history; titles that were chosen; what is popular in the market; what is popular."""

FALLBACKS: tuple[Fallback, ...] = get_args(Fallback)


@dataclass(frozen=True, slots=True)
class Visitor:
    """One who asks for a list; whatever is not known stays empty."""

    user_id: str = ""
    market: str = ""
    """A known user's own market counts where this one is empty or unknown."""
    titles: tuple[str, ...] = ()
    """Items that somebody without a history chose; of a known user they are only left out of the list."""
    without: tuple[str, ...] = ()
    """Items that are not to be in the list."""
    context: Mapping[str, str] = field(default_factory=dict)
    """When and on what the list is asked for: values by column of the context, such as `device`, in the data's words.

    Retrieval does not go by it: it finds by vectors that users have at any moment, and the ranker weighs the moment.
    """


@dataclass(frozen=True, slots=True, eq=False)
class Visitors:
    """Visitors by number, one per row of every array."""

    user_ids: Ids
    user: Rows
    """Row in `sources.user_ids`, -1 for one without a history."""
    market: Rows
    """Number of the market, -1 if it is not known."""
    titles: sparse.csr_matrix
    """1 for each chosen item that the catalogue knows, float32, shape (visitors, items)."""
    without: sparse.csr_matrix
    """Nonzero for each item that is not to be in the list, chosen ones included, shape (visitors, items)."""
    moment: Rows
    """Number of the value in each column of `sources.context`, -1 where it is not known, shape (visitors, columns)."""

    def part(self, rows: Rows) -> "Visitors":
        """Return some of the visitors."""
        titles, without = self.titles[rows], self.without[rows]
        return Visitors(self.user_ids[rows], self.user[rows], self.market[rows], titles, without, self.moment[rows])

    def fallbacks(self) -> tuple[Fallback, ...]:
        """Return what the answer to each visitor rests on."""
        titled = np.diff(self.titles.indptr) > 0
        number = np.where(self.user >= 0, 0, np.where(titled, 1, np.where(self.market >= 0, 2, 3)))
        return tuple(FALLBACKS[place] for place in number)


def visitors_of(sources: Sources, asking: Sequence[Visitor]) -> Visitors:
    """Return the visitors by number; ids that the sources do not know are left out."""
    user_ids = np.array([visitor.user_id for visitor in asking], dtype=np.str_)
    user = rows_of(user_ids, sources.user_ids)
    names = {market: number for number, market in enumerate(sources.markets)}
    named = np.array([names.get(visitor.market, -1) for visitor in asking], dtype=np.int64)
    titles = _matrix([visitor.titles for visitor in asking], sources.item_ids)
    without = titles
    if any(visitor.without for visitor in asking):
        without = _matrix([(*visitor.titles, *visitor.without) for visitor in asking], sources.item_ids)
    told = {column.name: [visitor.context.get(column.name, "") for visitor in asking] for column in sources.context}
    moment = moments(sources.context, told, len(asking))
    return Visitors(user_ids, user, _markets(sources, user, named), titles, without, moment)


def known_users(sources: Sources, users: Rows) -> Visitors:
    """Return visitors by their rows in `sources.user_ids`, at a moment that is not known."""
    none = sparse.csr_matrix((len(users), len(sources.item_ids)), dtype="f4")
    moment = untold(sources.context, len(users))
    return Visitors(sources.user_ids[users], users, sources.market_of_user[users], none, none, moment)


def questions_of(sources: Sources, visitors: Visitors, items: Rows) -> Queries:
    """Return what to rank for whom: each user's history, else the chosen titles as if they were one.

    Somebody who chose titles has the mean of their item vectors, at the mean length of the known users' vectors, since
    the ranker learnt from scores of that size. items: shape (visitors, candidates).
    """
    asked = queries(sources, visitors.user, items, visitors.moment)
    new = np.flatnonzero((visitors.user < 0) & (np.diff(visitors.titles.indptr) > 0))
    asked = replace(asked, market=visitors.market)
    if not len(new):
        return asked
    mask = np.zeros(len(visitors.user), "f4")
    mask[new] = 1
    history = sparse.csr_matrix(asked.history + sparse.diags_array(mask) @ visitors.titles, dtype="f4")
    history.eliminate_zeros()
    vectors = {name: own.copy() for name, own in asked.vectors.items()}
    for market in np.unique(visitors.market[new]):
        rows = new[visitors.market[new] == market]
        for name, source in sources.vectors().items():
            vectors[name][rows] = _mean(source, visitors.titles[rows], int(market))
    return replace(asked, history=history, vectors=vectors)


def _mean(source: VectorSource, titles: sparse.csr_matrix, market: int) -> Vectors:
    mean = titles @ source.table(market)  # (visitors, dim); its length is set below, so the sum will do
    length = np.linalg.norm(mean, axis=1, keepdims=True)
    scaled: Vectors = np.divide(mean * source.usual_length, length, out=np.zeros_like(mean), where=length > 0)
    return scaled


def _markets(sources: Sources, user: Rows, named: Rows) -> Rows:
    own = np.where(user >= 0, sources.market_of_user[np.maximum(user, 0)] if len(sources.user_ids) else -1, -1)
    return np.where(named >= 0, named, own).astype(np.int64)


def _matrix(items: Sequence[Sequence[str]], item_ids: Ids) -> sparse.csr_matrix:
    """Return 1 for every item of every row that stands in item_ids, float32, shape (rows, item_ids)."""
    shape = (len(items), len(item_ids))
    if not any(items):
        return sparse.csr_matrix(shape, dtype="f4")
    row = np.repeat(np.arange(len(items)), [len(some) for some in items])
    column = rows_of([item for some in items for item in some], item_ids)
    known = column >= 0
    matrix = sparse.csr_matrix((np.ones(int(known.sum()), "f4"), (row[known], column[known])), shape=shape)
    matrix.data[:] = 1  # a title that was named twice counts once
    matrix.sort_indices()
    return matrix
