"""What any model of a market says, as vectors of users and of items: towers, a factorisation, or a blend of both."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kaon.artifacts import FactorModel

from .vector_source import fold_in

if TYPE_CHECKING:
    from .two_tower.model import TwoTower

Vectors = npt.NDArray[np.float32]
Ids = npt.NDArray[np.str_]
Mask = npt.NDArray[np.bool_]

FACTORS_FIRST = (1.0, 0.5, 0.25)
TOWER_FIRST = (1.0, 0.1, 0.1)
"""Of the parts of a blend: how widely the scores of each are spread, by the spread of the first one's. A market's own
tower starts from what is popular there, which a few titles stand out of: others need little to reorder the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """Models whose scores are added, the first one's spread most: what the market says, and what all say of it."""

    parts: "tuple[FactorModel | TwoTower, ...]"
    """At least one, at most as many as there are spreads; fewer take the first of them."""

    @property
    def spreads(self) -> tuple[float, ...]:
        """Return how widely the scores of the parts are spread: it depends on what the first one is."""
        return FACTORS_FIRST if isinstance(self.parts[0], FactorModel) else TOWER_FIRST


Model: TypeAlias = "TwoTower | FactorModel | Blend"


def model_vectors(model: Model, history: sparse.csr_matrix, item_ids: Ids, market: str) -> tuple[Vectors, Vectors]:
    """Return the vectors of one market's users, by their whole histories, and of items; inner products are scores.

    history: shape (users, items), 1 where a user met an item; its columns are item_ids.
    Returns users (users, dim), zeros for one without a history that the model knows, and items (items, dim), zeros for
    an item that the model does not know.
    """
    if isinstance(model, Blend):
        return _added([model_vectors(one, history, item_ids, market) for one in model.parts], model.spreads)
    if isinstance(model, FactorModel):
        items = aligned(model.item_factors, model.item_ids, item_ids)
        return fold_in(history, items, alpha=_number(model, "alpha"), regularization=_regularization(model)), items
    return tower_vectors(model, history, item_ids, market), aligned(model.item_vectors(), model.item_ids, item_ids)


def knows(model: Model, item_ids: Ids) -> Mask:
    """Return which of the items have a vector in the model, shape (items,)."""
    if isinstance(model, Blend):
        return np.asarray(np.any([knows(one, item_ids) for one in model.parts], axis=0))
    return np.asarray(_positions(item_ids, model.item_ids) >= 0)


def aligned(vectors: Vectors, ids: Ids, item_ids: Ids) -> Vectors:
    """Return the vectors in the order of item_ids, zeros for an item that has none."""
    at = _positions(item_ids, ids)
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
        vectors = tower.users(sums, torch.from_numpy(lengths), tower.market_rows([market]).expand(len(lengths)))
    return np.asarray(vectors.numpy(), dtype="f4")


def _added(parts: list[tuple[Vectors, Vectors]], spreads: tuple[float, ...]) -> tuple[Vectors, Vectors]:
    """Return vectors whose scores are the sum of those of the parts of a blend, each spread as `spreads` says."""
    spread = [_spread(users, items) for users, items in parts]
    scales = [share * spread[0] / own if own > 0 else 0.0 for share, own in zip(spreads, spread, strict=False)]
    users = np.concatenate([scale * users for scale, (users, _) in zip(scales, parts, strict=True)], axis=1)
    return users.astype("f4"), np.concatenate([items for _, items in parts], axis=1)


def _spread(users: Vectors, items: Vectors) -> float:
    """Return the standard deviation of a user's scores over the items, in the square mean over users."""
    if not len(users) or not len(items):
        return 0.0
    centred = items.astype("f8") - items.mean(axis=0, dtype="f8")
    covariance = centred.T @ centred / len(items)  # (dim, dim)
    tall = users.astype("f8")
    return float(np.sqrt(max(0.0, np.sum((tall @ covariance) * tall) / len(users))))


def _regularization(model: FactorModel) -> Callable[[int], float]:
    """Return what a user with so many interactions was regularised with: Spark multiplies it by them."""
    per_user = _number(model, "regularization")
    return (lambda length: per_user * length) if model.config.get("engine") == "spark" else (lambda length: per_user)


def _number(model: FactorModel, name: str) -> float:
    value = model.config[name]
    assert isinstance(value, (int, float)), f"a factor model records {name}"
    return float(value)


def _positions(wanted: Ids, ids: Ids) -> npt.NDArray[np.int64]:
    if len(ids) and np.all(ids[:-1] < ids[1:]):
        from .interactions import positions

        return positions(wanted, ids)
    place = {str(name): number for number, name in enumerate(ids)}
    return np.array([place.get(str(name), -1) for name in wanted], dtype=np.int64)
