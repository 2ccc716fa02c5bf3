"""Which items go together: how many users two items share, and how well each item is foretold by the others."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

REGRESSED = 2000
"""Items of a market that take part in the regression, those with most users: its cost grows with the third power."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The items of one population of users, such as everybody or one market, seen from each other."""

    shared: sparse.csr_matrix
    """How many users two items share, float32, shape (items, items), symmetric, nothing on the diagonal."""
    users: Vectors
    """How many users each item has, shape (items,)."""
    weights: sparse.csr_matrix
    """What having item h (row) says for item i (column), float32, shape (items, items); empty where not regressed."""


def neighbours_of(seen: sparse.csr_matrix, weights: sparse.csr_matrix | None = None) -> Neighbours:
    """Return the neighbours of every item.

    seen: shape (users, items), 1 where a user and an item met.
    weights: of `regression_weights`, or None to leave them empty.
    """
    shared = sparse.csr_matrix(seen.T @ seen, dtype="f4")
    shared.setdiag(0)
    shared.eliminate_zeros()
    shared.sort_indices()
    if weights is None:
        weights = sparse.csr_matrix(shared.shape, dtype="f4")
    return Neighbours(shared, np.asarray(seen.sum(axis=0), dtype="f4").ravel(), weights)


def regression_weights(seen: sparse.csr_matrix, *, penalty: float, kept: int) -> sparse.csr_matrix:
    """Return the item-item weights that foretell every item from the other items of a user's history.

    Ridge regression with a zero diagonal has a closed form (EASE, Steck 2019, arXiv:1905.03375): with P the inverse of
    (seen.T seen + penalty), the weights are -P / diag(P). Two items that are bought together only because a third one
    comes with both do not count for each other here, as they do in a cosine.

    seen: shape (users, items), 1 where a user and an item met.
    penalty: above zero; more for fewer users.
    kept: weights that are kept per item, those of greatest size.
    """
    users = np.asarray(seen.sum(axis=0)).ravel()
    chosen = np.sort(np.argsort(-users, kind="stable")[: min(REGRESSED, np.count_nonzero(users))])
    shape = (seen.shape[1], seen.shape[1])
    if not len(chosen):
        return sparse.csr_matrix(shape, dtype="f4")
    few = seen[:, chosen]
    gram = np.asarray((few.T @ few).todense(), dtype="f4", order="F")
    gram[np.diag_indices_from(gram)] += penalty
    weights = _inverse(gram)
    weights /= -np.diag(weights).copy()
    np.fill_diagonal(weights, 0.0)
    return _strongest(weights, chosen, kept, shape)


def lookup(matrix: sparse.csr_matrix, rows: Rows, columns: Rows) -> Vectors:
    """Return matrix[rows, columns], zeros included; rows and columns have one shape, and so has what is returned."""
    if not columns.size:
        return np.zeros(columns.shape, "f4")
    return np.asarray(matrix[rows.ravel(), columns.ravel()], dtype="f4").reshape(columns.shape)


def cosines(history: sparse.csr_matrix, neighbours: Neighbours) -> Vectors:
    """Return the summed cosine of every item to each history, shape (histories, items)."""
    scale = sparse.diags_array(1 / np.sqrt(np.maximum(neighbours.users, 1.0)))
    scores: Vectors = (history @ scale @ neighbours.shared @ scale).toarray().astype("f4", copy=False)
    return scores


def _inverse(gram: Vectors) -> Vectors:
    """Return the inverse of a symmetric positive definite matrix, which is overwritten."""
    factor, failed = linalg.lapack.spotrf(gram, lower=True, overwrite_a=True)
    assert not failed, "a Gram matrix with a penalty on its diagonal is positive definite"
    lower, failed = linalg.lapack.spotri(factor, lower=True, overwrite_c=True)
    assert not failed
    lower = np.tril(lower)
    return np.asarray(lower + np.tril(lower, -1).T, dtype="f4")


def _strongest(weights: Vectors, chosen: Rows, kept: int, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Return the `kept` weights of greatest size of each column, with items numbered as in the whole catalogue."""
    kept = min(kept, len(chosen))
    rows = np.argpartition(-np.abs(weights), kept - 1, axis=0)[:kept]  # (kept, chosen)
    columns = np.broadcast_to(np.arange(len(chosen)), rows.shape)
    values = weights[rows, columns].ravel()
    found = sparse.csr_matrix((values, (chosen[rows.ravel()], chosen[columns.ravel()])), shape=shape, dtype="f4")
    found.eliminate_zeros()
    found.sort_indices()
    return found
