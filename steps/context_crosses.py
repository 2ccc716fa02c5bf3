"""How an item fares in the situation of a request, beside how it fares in all: on this device, at this hour, this day.

Of each column of the context that the histories have, the ranker sees one feature of a candidate, its lift: by what
factor the item is met more in this situation than items are in general, as a logarithm. With n the interactions of an
item and p(value) the share of all interactions that have the value,

    lift = log(P(value | item) / p(value)),  P(value | item) = (n(item, value) + m p(value)) / (n(item) + m)

where m is PRIOR: the m-estimate (Cestnik 1990, "Estimating probabilities: a crucial task in machine learning", ECAI).
An item that nobody met has the lift 0, and so has every item where the value is not told or was never met.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .in_list import rounded

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LIFT = "_lift"

PRIOR = 10.0
"""Interactions of an item at which its own share of a value counts as much as everybody's."""


@dataclass(frozen=True, eq=False)
class ContextColumn:
    """What was met in which situation, by one column of the context."""

    name: str
    """Such as `device`."""
    values: tuple[str, ...]
    """In ascending order, in the data's own words; each was met."""
    counts: sparse.csr_matrix
    """Interactions of each item in each situation, float32, shape (values, items)."""

    @cached_property
    def number(self) -> Mapping[str, int]:
        """Return the row of each value."""
        return {value: row for row, value in enumerate(self.values)}

    @cached_property
    def shares(self) -> Floats:
        """Return the share of all interactions that have each value, shape (values,)."""
        of_value = np.asarray(self.counts.sum(axis=1), dtype="f8").ravel()
        return np.asarray(of_value / of_value.sum())

    @cached_property
    def of_item(self) -> Floats:
        """Return the interactions of each item, shape (items,)."""
        return np.asarray(self.counts.sum(axis=0), dtype="f8").ravel()

    def lift(self, value: int, items: Rows) -> Vectors:
        """Return the lift of items of the catalogue in the situation, of the shape of `items`."""
        here = np.zeros(self.counts.shape[1])
        start, end = self.counts.indptr[value], self.counts.indptr[value + 1]
        here[self.counts.indices[start:end]] = self.counts.data[start:end]
        share = self.shares[value]
        chance = (here[items] + PRIOR * share) / (self.of_item[items] + PRIOR)
        return rounded(np.log(chance / share)).astype("f4")


def context_columns(told: Mapping[str, Sequence[str]], items: Rows, catalogue: int) -> tuple[ContextColumn, ...]:
    """Return the columns of the context of some interactions.

    told: the value of each interaction by the name of the column; items: the row of each one's item, shape
    (interactions,); catalogue: how many items there are.
    """
    columns = []
    for name, own in told.items():
        values = tuple(sorted(set(own)))
        number = {value: row for row, value in enumerate(values)}
        rows = np.fromiter((number[value] for value in own), dtype=np.int64, count=len(own))
        counts = sparse.csr_matrix((np.ones(len(items), "f4"), (rows, items)), shape=(len(values), catalogue))
        counts.sort_indices()
        columns.append(ContextColumn(name, values, counts))
    return tuple(columns)


def lift_names(columns: Sequence[ContextColumn]) -> tuple[str, ...]:
    """Return the names of the features, such as `device_lift`."""
    return tuple(column.name + LIFT for column in columns)


def lifted(features: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of the context whose lifts are among the features, in their order.

    >>> lifted(["als", "hour_lift"])
    ('hour',)
    """
    return tuple(name.removesuffix(LIFT) for name in features if name.endswith(LIFT))


def lifts(columns: Sequence[ContextColumn], moment: Rows, items: Rows) -> Vectors:
    """Return the lift of every candidate in the situation of its list, float32, shape (columns, lists, candidates).

    moment: of `moments`, shape (lists, columns); items: rows of the catalogue, shape (lists, candidates).
    """
    found = np.zeros((len(columns), *items.shape), "f4")
    for own, column, values in zip(found, columns, moment.T, strict=True):
        for value in np.unique(values[values >= 0]):
            lists = np.flatnonzero(values == value)
            own[lists] = column.lift(int(value), items[lists])
    return found


def moments(columns: Sequence[ContextColumn], told: Mapping[str, Sequence[str]], lists: int) -> Rows:
    """Return the number of each list's value in every column, -1 for one that is not told or known, (lists, columns).

    told: the value of each list by the name of the column; a column that is not there is not told.
    """
    found = np.full((lists, len(columns)), -1, dtype=np.int64)
    for place, column in enumerate(columns):
        if column.name in told:
            found[:, place] = [column.number.get(value, -1) for value in told[column.name]]
    return found


def untold(columns: Sequence[ContextColumn], lists: int) -> Rows:
    """Return the moments of lists of which nobody knows when and where they are asked for, shape (lists, columns)."""
    return moments(columns, {}, lists)
