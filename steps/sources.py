"""Everything that scores a candidate before the ranker does: neighbours, ALS factors, towers, popularity.

Built from interactions and models, or read from a bundle; training and serving compute their features from it alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kaon.artifacts import FactorModel

from .neighbours import Neighbours, neighbours_of, regression_weights
from .one_blas_thread import one_blas_thread
from .vector_source import VectorSource, fold_in, spectral_source, wide_als_source

if TYPE_CHECKING:  # who reads sources from a bundle needs neither pandas nor torch
    from .interactions import Interactions
    from .two_tower.model import TwoTower

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Ids = npt.NDArray[np.str_]

REGRESSED = 2_000
REGRESSION_PENALTY = 100.0
REGRESSION_KEPT = 200


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

    def vectors(self) -> Mapping[str, VectorSource]:
        """Return the sources that are vectors, by the names of their scores."""
        return {"als": self.als, "wide_als": self.wide_als, "spectral": self.spectral, "tower": self.tower}


@one_blas_thread()
def build_sources(
    histories: "Interactions", als: FactorModel, towers: "Mapping[str, TwoTower]", markets: Sequence[str]
) -> Sources:
    """Return the sources of these histories; neighbours and popularity count exactly these interactions.

    The same histories and models give the same bits, whatever else the process computes.

    towers: the chosen tower of each market; markets that share one share its table.
    markets: in a fixed order, since their number is a feature.
    """
    from .interactions import markets_of

    item_ids = np.asarray(sorted({*histories["item_id"], *map(str, als.item_ids)}), dtype=np.str_)
    market_of = markets_of(histories)
    user_ids = np.asarray(sorted(market_of), dtype=np.str_)
    names = {market: number for number, market in enumerate(markets)}
    market_of_user = np.array([names.get(market_of[str(user)], -1) for user in user_ids], dtype=np.int64)
    seen = _seen(histories, user_ids, item_ids)
    return Sources(
        user_ids,
        item_ids,
        tuple(markets),
        market_of_user,
        seen,
        _population(seen),
        tuple(_population(seen[market_of_user == number]) for number in range(len(markets))),
        _als_source(als, seen, item_ids, len(markets)),
        wide_als_source(seen, len(markets)),
        spectral_source(seen, len(markets)),
        _tower_source(towers, seen, item_ids, market_of_user, markets),
    )


def _population(seen: sparse.csr_matrix) -> Neighbours:
    weights = regression_weights(seen, regressed=REGRESSED, penalty=REGRESSION_PENALTY, kept=REGRESSION_KEPT)
    return neighbours_of(seen, weights)


def aligned(vectors: Vectors, ids: Ids, item_ids: Ids) -> Vectors:
    """Return the vectors in the order of item_ids, zeros for an item that has none."""
    from .interactions import positions

    at = positions(item_ids, ids) if len(ids) and np.all(ids[:-1] < ids[1:]) else _unsorted_positions(item_ids, ids)
    return np.where((at >= 0)[:, None], vectors[at], 0).astype("f4")


def tower_vectors(tower: "TwoTower", history: sparse.csr_matrix, item_ids: Ids, market: str) -> Vectors:
    """Return what `tower.user_vectors` gives for the histories of one market's users, without a look-up per user."""
    import torch

    row_in_tower = tower.item_rows(item_ids)  # (items,)
    flat = row_in_tower[history.indices]
    lengths = np.diff(np.concatenate([[0], np.cumsum(flat >= 0)])[history.indptr])
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else lengths
    with torch.inference_mode():
        sums = tower.history_sums(torch.from_numpy(flat[flat >= 0]), torch.from_numpy(offsets.astype(np.int64)))
        vectors = tower.users(sums, torch.from_numpy(lengths), tower.market_rows([market] * len(lengths)))
    return np.asarray(vectors.numpy(), dtype="f4")


def _unsorted_positions(wanted: Ids, ids: Ids) -> Rows:
    place = {str(name): number for number, name in enumerate(ids)}
    return np.array([place.get(str(name), -1) for name in wanted], dtype=np.int64)


def _seen(histories: "Interactions", user_ids: Ids, item_ids: Ids) -> sparse.csr_matrix:
    from .interactions import positions

    users = positions(histories["user_id"].to_numpy(), user_ids)
    items = positions(histories["item_id"].to_numpy(), item_ids)
    seen = sparse.csr_matrix((np.ones(len(users), "f4"), (users, items)), shape=(len(user_ids), len(item_ids)))
    seen.sort_indices()
    return seen


def _als_source(als: FactorModel, seen: sparse.csr_matrix, item_ids: Ids, markets: int) -> VectorSource:
    """Return ALS with every user folded in anew: a vector of the history as it is now, not as it was in training."""
    items = aligned(als.item_factors, als.item_ids, item_ids)
    users = fold_in(seen, items, alpha=_number(als, "alpha"), regularization=_regularization(als))
    return VectorSource(users, items[None], np.zeros(markets, dtype=np.int64))


def _regularization(als: FactorModel) -> Callable[[int], float]:
    """Return what a user with so many interactions was regularised with: Spark multiplies it by them."""
    per_user = _number(als, "regularization")
    return (lambda length: per_user * length) if als.config.get("engine") == "spark" else (lambda length: per_user)


def _number(als: FactorModel, name: str) -> float:
    value = als.config[name]
    assert isinstance(value, (int, float)), f"train_als records {name}"
    return float(value)


def _tower_source(
    towers: "Mapping[str, TwoTower]",
    seen: sparse.csr_matrix,
    item_ids: Ids,
    market_of_user: Rows,
    markets: Sequence[str],
) -> VectorSource:
    """Return the chosen towers; markets that share a tower (the same object) share its item vectors."""
    distinct = list({id(towers[market]): towers[market] for market in markets}.values())
    number = {id(tower): place for place, tower in enumerate(distinct)}
    users = np.zeros((len(market_of_user), distinct[0].dim), "f4")
    for place, market in enumerate(markets):
        mine = np.flatnonzero(market_of_user == place)
        users[mine] = tower_vectors(towers[market], seen[mine], item_ids, market)
    items = np.stack([aligned(tower.item_vectors(), tower.item_ids, item_ids) for tower in distinct])
    return VectorSource(users, items, np.array([number[id(towers[market])] for market in markets], dtype=np.int64))
