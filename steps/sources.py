"""Everything that scores a candidate before the ranker does: neighbours, ALS factors, towers, popularity.

Built from interactions and models, or read from a bundle; training and serving compute their features from it alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kaon.artifacts import FactorModel

from .context_crosses import ContextColumn, context_columns
from .history_sources import history_sources
from .model_vectors import Model, model_vectors
from .neighbours import Neighbours
from .one_blas_thread import one_blas_thread
from .vector_source import VectorSource

if TYPE_CHECKING:  # who reads sources from a bundle needs neither pandas nor torch
    from .interactions import Interactions
    from .two_tower.model import TwoTower

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Ids = npt.NDArray[np.str_]

Found = dict[tuple[int, int], tuple[Vectors, Vectors]]
"""Vectors of users and items by the identity of a model and the number of a market."""


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """What the features are computed from. Users and items are numbered by their sorted ids."""

    user_ids: Ids
    item_ids: Ids
    markets: tuple[str, ...]
    market_of_user: Rows
    """Shape (users,)."""
    seen: sparse.csr_matrix
    """The histories: 1 where a user met an item, float32, shape (users, items)."""
    everywhere: Neighbours
    by_market: tuple[Neighbours, ...]
    als: VectorSource
    wide_als: VectorSource
    spectral: VectorSource
    tower: VectorSource
    twin: VectorSource
    """The tower of another seed."""
    chosen: VectorSource
    """In each market the model that was chosen for it."""
    context: tuple[ContextColumn, ...] = ()
    """Which items are met in which situation, by the columns of the context that the histories have."""

    def vectors(self) -> Mapping[str, VectorSource]:
        """Return the sources that are vectors, by the names of their scores."""
        return {
            "als": self.als,
            "wide_als": self.wide_als,
            "spectral": self.spectral,
            "tower": self.tower,
            "twin": self.twin,
            "chosen": self.chosen,
        }


@one_blas_thread()
def build_sources(
    histories: "Interactions",
    als: FactorModel,
    tower: "TwoTower",
    chosen: Mapping[str, Model],
    markets: Sequence[str],
    twin: "TwoTower | None" = None,
) -> Sources:
    """Return the sources of these histories; neighbours and popularity count exactly these interactions.

    The same histories and models give the same bits, whatever else the process computes.

    als, tower: of all markets.
    chosen: the model that serves each market; markets that share one share its table.
    markets: in a fixed order, since their number is a feature.
    twin: the tower of another seed, which errs elsewhere; the tower itself stands in where there is none.
    """
    from .interactions import context_of, markets_of, positions

    item_ids = np.asarray(sorted({*histories["item_id"], *map(str, als.item_ids)}), dtype=np.str_)
    market_of = markets_of(histories)
    user_ids = np.asarray(sorted(market_of), dtype=np.str_)
    names = {market: number for number, market in enumerate(markets)}
    market_of_user = np.array([names.get(market_of[str(user)], -1) for user in user_ids], dtype=np.int64)
    seen = _seen(histories, user_ids, item_ids)
    learnt = history_sources(seen, market_of_user, len(markets))
    found: Found = {}

    def source(models: Mapping[str, Model]) -> VectorSource:
        return _source(models, seen, item_ids, market_of_user, markets, found)

    return Sources(
        user_ids,
        item_ids,
        tuple(markets),
        market_of_user,
        seen,
        learnt.everywhere,
        learnt.by_market,
        source(dict.fromkeys(markets, als)),
        learnt.wide_als,
        learnt.spectral,
        source(dict.fromkeys(markets, tower)),
        source(dict.fromkeys(markets, twin or tower)),
        source(chosen),
        context_columns(context_of(histories), positions(histories["item_id"], item_ids), len(item_ids)),
    )


def _seen(histories: "Interactions", user_ids: Ids, item_ids: Ids) -> sparse.csr_matrix:
    from .interactions import positions

    users = positions(histories["user_id"].to_numpy(), user_ids)
    items = positions(histories["item_id"].to_numpy(), item_ids)
    seen = sparse.csr_matrix((np.ones(len(users), "f4"), (users, items)), shape=(len(user_ids), len(item_ids)))
    seen.sort_indices()
    return seen


def _source(
    models: Mapping[str, Model],
    seen: sparse.csr_matrix,
    item_ids: Ids,
    market_of_user: Rows,
    markets: Sequence[str],
    found: Found,
) -> VectorSource:
    """Return each market's model, every user by the history as it is now, not as it was in training.

    Markets that share a model (the same object) share its item vectors. Shorter vectors end in zeros.

    found: what was found for another source, and takes what is found here: a market may be served by ALS of all.
    """
    distinct = list({id(models[market]): models[market] for market in markets}.values())
    number = np.array([[id(one) for one in distinct].index(id(models[market])) for market in markets], dtype=np.int64)
    mine = [np.flatnonzero(market_of_user == place) for place in range(len(markets))]
    vectors = []
    for place, (market, rows) in enumerate(zip(markets, mine, strict=True)):
        key = id(models[market]), place
        if key not in found:
            found[key] = model_vectors(models[market], seen[rows], item_ids, market)
        vectors.append(found[key])
    dim = max(items.shape[1] for _, items in vectors)
    users = np.zeros((len(market_of_user), dim), "f4")
    tables = np.zeros((len(distinct), len(item_ids), dim), "f4")
    for rows, place, (own, items) in zip(mine, number, vectors, strict=True):
        users[rows, : own.shape[1]] = own
        tables[place, :, : items.shape[1]] = items
    return VectorSource(users, tables, number)
