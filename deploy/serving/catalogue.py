"""What is looked up in a bundle for every request, laid out once: rows of ids, and items by popularity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kaon.steps.sources import Rows, Sources, Vectors

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The items of a bundle."""

    ids: tuple[str, ...]
    row: Mapping[str, int]
    popularity: Mapping[int, Vectors]
    """log(1 + users) of each item by market, everybody's by -1, shape (items,)."""
    by_popularity: Mapping[int, Rows]
    """Items that somebody met, most popular first, by market."""

    def rows(self, items: Sequence[str]) -> Rows:
        """Return the row of each item, -1 for one that is not in the catalogue."""
        return np.array([self.row.get(item, -1) for item in items], dtype=np.int64)

    def mask(self, items: Sequence[str]) -> Mask:
        """Return which items of the catalogue are among these, shape (items of the catalogue,)."""
        mask = np.zeros(len(self.ids), dtype=bool)
        rows = self.rows(items)
        mask[rows[rows >= 0]] = True
        return mask


def catalogue_of(sources: Sources) -> Catalogue:
    """Return the items of sources."""
    ids = tuple(map(str, sources.item_ids))
    users = {-1: sources.everywhere.users, **{number: each.users for number, each in enumerate(sources.by_market)}}
    return Catalogue(
        ids,
        {item: row for row, item in enumerate(ids)},
        {market: np.log1p(counts).astype("f4") for market, counts in users.items()},
        {market: _most_first(counts) for market, counts in users.items()},
    )


def _most_first(users: Vectors) -> Rows:
    order = np.argsort(-users, kind="stable")
    return order[users[order] > 0].astype(np.int64)
