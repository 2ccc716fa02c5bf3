"""The task on which every model is judged: for the users of a slice, rank a market's whole catalogue.

The catalogue is what was met in the market in train. Items that the user met in train are removed. An item of the slice
that is not in the catalogue, and a user whom the model does not know, count as zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kaon.artifacts import FactorModel

from .interactions import Interactions, in_market, positions
from .model_vectors import Model, knows, model_vectors
from .ranking import Ranks, Rows, Vectors, rank_all
from .two_tower import TwoTower


@dataclass(frozen=True, slots=True)
class Question:
    """Who is to be served in one market, with what, and which answers are right."""

    market: str
    user_ids: npt.NDArray[np.str_]
    """Users of the slice, sorted, shape (users,)."""
    catalogue: npt.NDArray[np.str_]
    """Items of the market, sorted, shape (items,)."""
    histories: tuple[list[str], ...]
    """Items that each user met in train, shape (users,)."""
    seen: sparse.csr_matrix
    """Nonzero where a user met an item in train, shape (users, items)."""
    user: Rows
    """User of each right answer, shape (answers,)."""
    item: Rows
    """Item of each right answer, -1 if it is not in the catalogue, shape (answers,)."""

    def ranks(self, users: Vectors, items: Vectors) -> Ranks:
        """Return the ranks of the right answers by the inner products of users (users, dim) and items (items, dim)."""
        return rank_all(users, items, self.seen, self.user, self.item)


def question(market: str, train: Interactions, judged: Interactions) -> Question:
    """Return the task that the slice `judged` sets in one market."""
    known, asked = in_market(train, market), in_market(judged, market)
    user_ids = np.unique(asked["user_id"].to_numpy(dtype=np.str_))
    catalogue = np.unique(known["item_id"].to_numpy(dtype=np.str_))
    theirs = known[known["user_id"].isin(user_ids)]
    rows, columns = positions(theirs["user_id"], user_ids), positions(theirs["item_id"], catalogue)
    seen = sparse.csr_matrix((np.ones(len(rows), "i1"), (rows, columns)), shape=(len(user_ids), len(catalogue)))
    met = theirs.groupby("user_id")["item_id"].agg(list).to_dict()
    return Question(
        market,
        user_ids,
        catalogue,
        tuple(met.get(user, []) for user in user_ids),
        seen,
        positions(asked["user_id"], user_ids),
        positions(asked["item_id"], catalogue),
    )


def questions(train: Interactions, judged: Interactions) -> tuple[Question, ...]:
    """Return the task of every market of the slice `judged`, in the order of their names."""
    return tuple(question(market, train, judged) for market in sorted(judged["market"].unique()))


def ranks_by_factors(asked: Question, model: FactorModel) -> Ranks:
    """Return the ranks of the right answers by a factor model."""
    users = _rows_of(model.user_factors, positions(asked.user_ids, model.user_ids))
    return asked.ranks(users, _rows_of(model.item_factors, positions(asked.catalogue, model.item_ids)))


def ranks_by_tower(asked: Question, tower: TwoTower) -> Ranks:
    """Return the ranks of the right answers by a tower; a user without history has no score, and counts as zero."""
    users = tower.user_vectors(asked.histories, [asked.market] * len(asked.user_ids))
    users[[not history for history in asked.histories]] = np.nan
    return asked.ranks(users, _rows_of(tower.item_vectors(), tower.item_rows(asked.catalogue)))


def ranks_by_model(asked: Question, model: Model) -> Ranks:
    """Return the ranks of the right answers by any model, users by their histories in the question.

    A user without a history has no score, and counts as zero; an item that the model does not know is not offered.
    """
    history = sparse.csr_matrix(asked.seen, dtype="f4")
    history.sort_indices()
    users, items = model_vectors(model, history, asked.catalogue, asked.market)
    users[[not met for met in asked.histories]] = np.nan
    items[~knows(model, asked.catalogue)] = np.nan
    return asked.ranks(users, items)


def ranks_by_popularity(asked: Question, train: Interactions) -> Ranks:
    """Return the ranks of the right answers when everyone is offered what most users of the market met in train."""
    met = in_market(train, asked.market)["item_id"].value_counts()
    popularity: Vectors = met.reindex(asked.catalogue).to_numpy().astype(np.float32)[:, None]  # (items, 1)
    return asked.ranks(np.ones((len(asked.user_ids), 1), "f4"), popularity)


def _rows_of(vectors: Vectors, rows: npt.NDArray[np.int64]) -> Vectors:
    """Return the vectors at some rows; a row of -1 gives NaN, which no ranking holds."""
    taken = vectors[rows].astype("f4")
    taken[rows < 0] = np.nan
    return taken


def concatenated(ranks: Sequence[Ranks]) -> Ranks:
    """Return the ranks of several groups of users as one group."""
    offsets = np.cumsum([0, *(one.users for one in ranks)])
    users = [one.user + offset for one, offset in zip(ranks, offsets, strict=False)]
    return Ranks(
        np.concatenate([*users, np.empty(0, np.int64)]),
        np.concatenate([*(one.rank for one in ranks), np.empty(0, np.int64)]),
        int(offsets[-1]),
    )
