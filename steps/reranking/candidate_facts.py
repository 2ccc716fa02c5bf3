"""What is known of candidates, each in the market of its list: how many users they have, and their vectors."""

import numpy as np
import numpy.typing as npt

from ..neighbours import Neighbours
from ..ranking import Floats, Rows
from ..sources import Sources, Vectors
from ..vector_source import VectorSource
from .exploration import head_items

Mask = npt.NDArray[np.bool_]


def population_of(sources: Sources, market: int) -> Neighbours:
    """Return the items as a market's users see them, as everybody does for market -1."""
    return sources.by_market[market] if market >= 0 else sources.everywhere


def candidate_vectors(source: VectorSource, market: Rows, items: Rows) -> Vectors:
    """Return the vectors of items (lists, candidates), each by the model of its list's market; zeros for item -1."""
    vectors = np.zeros((*items.shape, source.items.shape[2]), "f4")
    for number in np.unique(market):
        mine = market == number
        vectors[mine] = source.table(int(number))[items[mine]]
    vectors[items < 0] = 0
    return vectors


def candidate_users(sources: Sources, market: Rows, items: Rows) -> Floats:
    """Return how many users of each list's market met each of its items, shape (lists, candidates)."""
    users = np.zeros(items.shape)
    for number in np.unique(market):
        mine = market == number
        users[mine] = population_of(sources, int(number)).users[items[mine]]
    return users


def in_tail(sources: Sources, market: Rows, items: Rows, head: float) -> Mask:
    """Return whether each item (lists, candidates) stands outside the head of its list's market."""
    tail = np.zeros(items.shape, dtype=bool)
    for number in np.unique(market):
        mine = market == number
        tail[mine] = ~head_items(population_of(sources, int(number)).users, head)[items[mine]]
    return tail
