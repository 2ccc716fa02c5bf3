"""Sources that are vectors: an inner product of a user's and an item's vector is a score."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .implicit_als import item_factors

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

DENSE = 0.75
"""Share of the items that a market's users met from which on its table is not laid out apart."""
TABLE_ROWS = 16
"""A table has a multiple of these rows: BLAS adds up the last ones of another in another order."""
FACTORS_AT_ONCE = 4_000_000
WIDE_RANK, WIDE_ALPHA, WIDE_REGULARIZATION, WIDE_ITERATIONS = 128, 14.0, 1.0, 8
SPECTRAL_RANK = 128
SPECTRAL_SWEEPS = 4
"""Of subspace iteration (Halko, Martinsson and Tropp 2011), after which the space is near enough."""
SEED = 0


@dataclass(frozen=True, eq=False)
class VectorSource:
    """Vectors of users and items whose inner product is a score; neither is normalised, lengths carry meaning."""

    users: Vectors
    """Shape (users, dim)."""
    items: Vectors
    """One table of item vectors per model, zeros for an item the model does not know; shape (models, items, dim)."""
    model_of_market: Rows
    """Which model a market's users are scored with, shape (markets,); an unknown market takes the first."""

    def scores(self, vectors: Vectors, at: Rows, market: int) -> Vectors:
        """Return the scores of candidates: vectors (lists, dim), at (lists, candidates) rows of items."""
        scores: Vectors = np.einsum("ld,lcd->lc", vectors, self.table(market)[at])
        return scores

    def scores_of_met(self, vector: Vectors, market: int, met: Rows) -> Vectors:
        """Return the scores of the items that a market's users met, anything for the others, shape (items,).

        vector: shape (dim,). met: the items, the same ones in every call for a market. Where they are few, their
        vectors are laid out beside each other once: what a request takes is the time to read the table.
        """
        if len(met) > DENSE * self.items.shape[1]:
            return np.asarray(self.table(market) @ vector)
        if market not in self._met_tables:
            table = np.zeros((-(-len(met) // TABLE_ROWS) * TABLE_ROWS, self.items.shape[2]), "f4")
            table[: len(met)] = self.table(market)[met]
            self._met_tables[market] = table
        scores = np.zeros(self.items.shape[1], "f4")
        scores[met] = (self._met_tables[market] @ vector)[: len(met)]
        return scores

    def table(self, market: int) -> Vectors:
        """Return the item vectors (items, dim) for users of a market, -1 for one that is not known."""
        vectors: Vectors = self.items[self._model(market)]
        return vectors

    def directions(self, market: int) -> Vectors:
        """Return the item vectors of `table` at length 1; those of zeros stay zeros."""
        vectors: Vectors = self._unit_items[self._model(market)]
        return vectors

    @cached_property
    def usual_length(self) -> float:
        """Return the mean length of the users' vectors, 0 without users."""
        return float(np.linalg.norm(self.users, axis=1).mean()) if len(self.users) else 0.0

    @cached_property
    def _met_tables(self) -> dict[int, Vectors]:
        return {}

    @cached_property
    def _unit_items(self) -> Vectors:
        return np.stack([unit_vectors(table) for table in self.items]).astype("f4", copy=False)

    def _model(self, market: int) -> int:
        return int(self.model_of_market[market]) if market >= 0 else 0


def unit_vectors(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return the vectors (…, dim) scaled to length 1; vectors of zeros stay zeros."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: npt.NDArray[np.floating] = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit


def fold_in(
    history: sparse.csr_matrix, items: Vectors, *, alpha: float, regularization: Callable[[int], float]
) -> Vectors:
    """Return the ALS vectors (histories, rank) of whole histories, the item factors as they are.

    The exact half-sweep of implicit ALS (Hu, Koren, Volinsky 2008) with confidence 1 + alpha where there was an
    interaction. By Woodbury's identity a history of n items costs a system of n equations, not of `rank`.

    history: shape (histories, items), 1 where there was an interaction; items: shape (items, rank).
    regularization: of a user with so many interactions.
    """
    rank = items.shape[1]
    factors = items.astype("f8")
    gram = factors.T @ factors
    lengths = np.diff(history.indptr)
    vectors = np.zeros((history.shape[0], rank), "f4")
    for length in np.unique(lengths[lengths > 0]):
        rows = np.flatnonzero(lengths == length)
        inverse = np.linalg.inv(gram + regularization(int(length)) * np.eye(rank))  # (rank, rank)
        for part in np.array_split(rows, 1 + len(rows) * length * rank // FACTORS_AT_ONCE):
            met = history.indices[history.indptr[part][:, None] + np.arange(length)]  # (part, length)
            own = factors[met]  # (part, length, rank)
            spread = own @ inverse
            system = np.eye(length) + alpha * spread @ own.transpose(0, 2, 1)  # (part, length, length)
            weights = np.linalg.solve(system, np.full((len(part), length, 1), 1 + alpha))
            vectors[part] = (spread.transpose(0, 2, 1) @ weights)[..., 0]
    return vectors


def wide_als_source(seen: sparse.csr_matrix, markets: int) -> VectorSource:
    """Return a second factorisation of the histories, beside that of `train_als`, with longer vectors.

    By `implicit` on one thread, so that the same histories give the same vectors; its factors know every history that
    the neighbours count. With less weight on what was met it looks further than `train_als` with its defaults.

    seen: shape (users, items), 1 where a user and an item met.
    """
    items = item_factors(
        seen,
        rank=WIDE_RANK,
        alpha=WIDE_ALPHA,
        regularization=WIDE_REGULARIZATION,
        iterations=WIDE_ITERATIONS,
        seed=SEED,
    )
    users = fold_in(seen, items, alpha=WIDE_ALPHA, regularization=lambda length: WIDE_REGULARIZATION)
    return VectorSource(users, items[None], np.zeros(markets, dtype=np.int64))


def spectral_source(seen: sparse.csr_matrix, markets: int) -> VectorSource:
    """Return the smoothest part of the graph of users and items (Shen et al. 2021, arXiv:2108.07567).

    With S the histories divided by the roots of both degrees, and V the space of its first right singular vectors, a
    history h in S scores items by h V V.T: what walks of any length between users and items agree on.

    seen: shape (users, items), 1 where a user and an item met.
    """
    length, users = np.diff(seen.indptr), np.asarray(seen.sum(axis=0)).ravel()
    by_user, by_item = (sparse.diags_array((1 / np.sqrt(np.maximum(n, 1))).astype("f4")) for n in (length, users))
    smoothed = sparse.csr_matrix(by_user @ seen @ by_item)
    rank = min(SPECTRAL_RANK, *seen.shape)
    items = np.random.default_rng(SEED).normal(size=(seen.shape[1], rank)).astype("f4")
    for _ in range(SPECTRAL_SWEEPS):
        items = np.linalg.qr(smoothed.T @ (smoothed @ items))[0]  # (items, rank)
    return VectorSource(np.asarray(smoothed @ items, "f4"), items[None], np.zeros(markets, dtype=np.int64))
