"""Which items go together: how many users two items share, and how well each item is foretold by the others.

Also which users go together, seen through the items that they share.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

POPULAR_DAMPING = 0.3
"""Power of an item's users that divides what like-minded users say of it."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The items of one population of users, such as everybody or one market, seen from each other."""

    shared: sparse.csr_matrix
    """How many users two items share, float32, shape (items, items), symmetric, nothing on the diagonal."""
    walks: sparse.csr_matrix
    """The same with each user weighing one by the items that the user met, entries where `shared` has them.

    Over the users of item h: how probable it is to walk from h to a random user of it and on to a random item of that
    user (P3, Cooper et al. 2014), so that two items of a short history count for more than two of a long one.
    """
    users: Vectors
    """How many users each item has, shape (items,)."""
    met_by: sparse.csr_matrix
    """1 where an item was met by a user of the population, float32, shape (items, users)."""
    weights: sparse.csr_matrix
    """What having item h (row) says for item i (column), float32, shape (items, items); empty where not regressed."""

    @cached_property
    def met(self) -> sparse.csr_matrix:
        """Return `met_by` the other way round, shape (users, items)."""
        return sparse.csr_matrix(self.met_by.T)

    @cached_property
    def lengths(self) -> Rows:
        """Return how many items each user met, at least 1, shape (users,)."""
        return np.asarray(np.maximum(np.diff(self.met.indptr), 1), dtype=np.int64)

    @cached_property
    def rarity(self) -> Vectors:
        """Return what an item that is shared says of its users, shape (items,)."""
        return (1 / np.log(2 + self.users)).astype("f4")

    @cached_property
    def damping(self) -> Vectors:
        """Return what divides what like-minded users say of each item, shape (items,)."""
        return np.asarray(np.maximum(self.users, 1) ** POPULAR_DAMPING)

    @cached_property
    def met_items(self) -> Rows:
        """Return the items that a user of the population met, in ascending order."""
        return np.flatnonzero(self.users)

    @cached_property
    def some_users(self) -> Vectors:
        """Return how many users each item has, at least 1, shape (items,)."""
        return np.maximum(self.users, np.float32(1))

    @cached_property
    def log_users(self) -> Vectors:
        """Return log(1 + users) of each item, shape (items,)."""
        return np.log1p(self.users)

    @cached_property
    def similarities(self) -> dict[float, sparse.csr_matrix]:
        """Return the matrices of `jaccard` that were asked for, by their shrinkage."""
        return {}


def neighbours_of(seen: sparse.csr_matrix, weights: sparse.csr_matrix | None = None) -> Neighbours:
    """Return the neighbours of every item.

    seen: shape (users, items), 1 where a user and an item met.
    weights: of `regression_weights`, or None to leave them empty.
    """
    length = np.maximum(np.diff(seen.indptr), 1)
    shared = _off_diagonal(seen.T @ seen)
    walks = _off_diagonal(seen.T @ sparse.diags_array((1 / length).astype("f4")) @ seen)
    if weights is None:
        weights = sparse.csr_matrix(shared.shape, dtype="f4")
    users = np.asarray(seen.sum(axis=0), dtype="f4").ravel()
    return Neighbours(shared, walks, users, sparse.csr_matrix(seen.T), weights)


def jaccard(neighbours: Neighbours, shrinkage: float) -> sparse.csr_matrix:
    """Return the Jaccard similarity of every two items that share users, entries where `shared` has them.

    shrinkage: users added to every union: two items that one user each met say little.
    """
    if shrinkage not in neighbours.similarities:
        shared, users = neighbours.shared, neighbours.users
        either = np.repeat(users, np.diff(shared.indptr)) + users[shared.indices] - shared.data
        parts = (shared.data / (either + shrinkage), shared.indices, shared.indptr)
        neighbours.similarities[shrinkage] = sparse.csr_matrix(parts, shape=shared.shape)
    return neighbours.similarities[shrinkage]


def regression_weights(seen: sparse.csr_matrix, *, regressed: int, penalty: float, kept: int) -> sparse.csr_matrix:
    """Return the item-item weights that foretell every item from the other items of a user's history.

    Ridge regression with a zero diagonal has a closed form (EASE, Steck 2019, arXiv:1905.03375): with P the inverse of
    (seen.T seen + penalty), the weights are -P / diag(P). Two items that are bought together only because a third one
    comes with both do not count for each other here, as they do in a cosine.

    seen: shape (users, items), 1 where a user and an item met.
    regressed: items that take part at most, those with most users: the cost grows with the third power.
    penalty: above zero; more for fewer users.
    kept: weights that are kept per item, those of greatest size.
    """
    users = np.asarray(seen.sum(axis=0)).ravel()
    chosen = np.sort(np.argsort(-users, kind="stable")[: min(regressed, np.count_nonzero(users))])
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
    """Return what a matrix holds in each row at some columns, zeros included; rows (n,), columns (n, some).

    matrix: every place stands in it once at most.

    The rows are taken out and numbered on, so that one search finds all places: SciPy takes longer to check what it is
    asked than to look up what one request asks.
    """
    if not columns.size:
        return np.zeros(columns.shape, "f4")
    if not matrix.has_sorted_indices:
        matrix = matrix.sorted_indices()
    starts = matrix.indptr[rows].astype(np.int64)
    length = matrix.indptr[rows + 1] - starts
    after = np.cumsum(length)
    if not after[-1]:
        return np.zeros(columns.shape, "f4")
    taken = np.arange(after[-1]) + np.repeat(starts - after + length, length)
    line = np.arange(len(rows)) * matrix.shape[1]
    places = np.repeat(line, length) + matrix.indices[taken]
    wanted = line[:, None] + columns
    found = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
    return np.where(places[found] == wanted, matrix.data[taken[found]], np.float32(0))


def like_minded(history: sparse.csr_matrix, neighbours: Neighbours) -> Vectors:
    """Return for every item how much users like those of the histories met it, shape (histories, items).

    A user is as like a history as the items they share say, rare ones more, over the root of the items that the user
    met; the square of it is summed over the users of an item and divided by a root of the item's users, so that
    neither long histories nor popular items are always near.
    """
    weight = history.data * neighbours.rarity[history.indices]
    weighted = sparse.csr_matrix((weight, history.indices, history.indptr), history.shape)
    alike = weighted @ neighbours.met_by  # (histories, users)
    alike.data = alike.data**2 / neighbours.lengths[alike.indices]
    scores = (alike @ neighbours.met).toarray()
    scaled: Vectors = (scores / neighbours.damping).astype("f4", copy=False)
    return scaled


def _off_diagonal(gram: sparse.spmatrix) -> sparse.csr_matrix:
    found = sparse.csr_matrix(gram, dtype="f4")
    found.setdiag(0)
    found.eliminate_zeros()
    found.sort_indices()
    return found


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
