"""What accuracy does not show: how much of the catalogue is offered, how surprising and how varied the lists are.

A list is a row of items, -1 beyond its end; the order within it changes no value here.
"""

import numpy as np
import numpy.typing as npt

from ..ranking import Floats, Rows
from ..vector_source import unit_vectors


def coverage(lists: Rows, items: int) -> float:
    """Return the share of the catalogue that is in at least one list (catalogue coverage, Ge et al. 2010).

    lists: shape (users, k); items: how many items the catalogue has, above zero.

    >>> coverage(np.array([[0, 1], [1, -1]]), items=4)
    0.5
    """
    return len(np.unique(lists[lists >= 0])) / items


def novelty(lists: Rows, met: npt.NDArray[np.floating], population: int) -> Floats:
    """Return the mean self-information of each list in bits, -log2 p(item) (Vargas and Castells 2011), shape (users,).

    p(item) is the share of the population that met the item; an item that nobody met counts as if one person had.
    A list without items has none: 0.

    lists: shape (users, k); met: how many users met each item, shape (items,); population: users in all, above zero.

    >>> novelty(np.array([[0, 1]]), np.array([8.0, 2.0]), population=8).tolist()
    [1.0]
    """
    information = np.log2(population / np.maximum(met.astype("f8"), 1.0))  # (items,)
    offered = lists >= 0
    total = np.where(offered, information[np.where(offered, lists, 0)], 0.0).sum(axis=1)
    mean: Floats = total / np.maximum(offered.sum(axis=1), 1)
    return mean


def intra_list_diversity(lists: Rows, vectors: npt.NDArray[np.floating]) -> Floats:
    """Return the mean of 1 - cosine over the pairs of each list (Smyth and McClave 2001), shape (users,).

    Between 0, all alike, and 2. A list with fewer than two items has no variety: 0. An item without a vector (zeros) is
    like nothing else: its cosines are 0.

    lists: shape (users, k); vectors: of items, shape (items, dim).

    >>> intra_list_diversity(np.array([[0, 1], [0, 0]]), np.array([[1.0, 0.0], [0.0, 2.0]])).tolist()
    [1.0, 0.0]
    """
    unit = unit_vectors(vectors.astype("f8"))
    offered = lists >= 0
    own = np.where(offered[:, :, None], unit[np.where(offered, lists, 0)], 0.0)  # (users, k, dim)
    squares = (own**2).sum(axis=(1, 2))
    together = (own.sum(axis=1) ** 2).sum(axis=1)  # the squared length of the sum holds every pair twice, and squares
    count = offered.sum(axis=1)
    pairs = count * (count - 1)
    cosine = np.divide(together - squares, pairs, out=np.ones(len(lists)), where=pairs > 0)
    diversity: Floats = np.clip(1 - cosine, 0.0, 2.0)
    return diversity
