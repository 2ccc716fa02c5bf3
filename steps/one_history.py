"""What is computed of one history, as a server is asked: the bits that SciPy gives, without its cost of a call.

SciPy takes longer to check a matrix of one row than to multiply it. Numbers are added here in SciPy's order, so that
who serves and who trains round alike. All matrices are CSR, and every place stands in them once at most.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

if TYPE_CHECKING:
    from .neighbours import Neighbours

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def stretches(starts: Rows, lengths: Rows) -> Rows:
    """Return the whole numbers of each stretch, one stretch after the other.

    >>> stretches(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    after = np.cumsum(lengths)
    total = int(after[-1]) if len(after) else 0
    numbers: Rows = np.arange(total) + np.repeat(starts - after + lengths, lengths)
    return numbers


def cells_of(matrix: sparse.csr_matrix, rows: Rows) -> tuple[Rows, Rows]:
    """Return where the entries of some rows are stored, row after row, and how many each row has."""
    starts = matrix.indptr[rows].astype(np.int64)
    lengths = matrix.indptr[rows + 1] - starts
    return stretches(starts, lengths), lengths


def crossed(matrices: tuple[sparse.csr_matrix, ...], rows: Rows, columns: Rows) -> tuple[Vectors, ...]:
    """Return what each matrix holds where rows cross columns, zeros included, each of shape (rows, columns).

    matrices: with their entries at the same places; columns: each once.
    """
    stored, lengths = cells_of(matrices[0], rows)
    place = np.full(matrices[0].shape[1], -1, dtype=np.int64)
    place[columns] = np.arange(len(columns))
    column = place[matrices[0].indices[stored]]
    hit = np.flatnonzero(column >= 0)
    cell = np.repeat(np.arange(len(rows)) * len(columns), lengths)[hit] + column[hit]
    found = np.zeros((len(matrices), len(rows) * len(columns)), "f4")
    for values, matrix in zip(found, matrices, strict=True):
        assert matrix.nnz == matrices[0].nnz, "the matrices have their entries at the same places"
        values[cell] = matrix.data[stored[hit]]
    return tuple(found.reshape(len(matrices), len(rows), len(columns)))


def summed_rows(matrix: sparse.csr_matrix, rows: Rows) -> Vectors:
    """Return the sum of some rows, row by row, float32, shape (columns,)."""
    stored, _ = cells_of(matrix, rows)
    total = np.zeros(matrix.shape[1], "f4")
    np.add.at(total, matrix.indices[stored].astype(np.intp), matrix.data[stored])
    return total


def like_minded_sums(items: Rows, neighbours: "Neighbours") -> Floats:
    """Return the sums of `like_minded` before they are damped, float64, shape (items of the catalogue,).

    items: of the history.
    """
    stored, lengths = cells_of(neighbours.met_by, items)
    user = neighbours.met_by.indices[stored]
    alike = np.zeros(neighbours.met_by.shape[1], "f4")
    np.add.at(alike, user.astype(np.intp), np.repeat(neighbours.rarity[items], lengths))
    users = _newest_first(user, len(alike))
    weight = alike[users] ** 2 / neighbours.lengths[users]
    stored, lengths = cells_of(neighbours.met, users)
    sums = np.bincount(neighbours.met.indices[stored], np.repeat(weight, lengths), neighbours.met.shape[1])
    return np.asarray(sums, dtype=np.float64)


def _newest_first(numbers: npt.NDArray[np.integer], bound: int) -> Rows:
    """Return each of the numbers once, the one that was first met last: the order of the rows of a product in SciPy.

    bound: above all of them.
    """
    turn = np.arange(len(numbers))
    first = np.empty(bound, dtype=np.int64)
    first[numbers[::-1]] = turn[::-1]  # of the same place the last one stays
    return np.asarray(numbers[first[numbers] == turn][::-1], dtype=np.int64)
