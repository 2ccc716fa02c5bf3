"""Genres of items by number, where a catalogue knows them."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class GenreTable:
    """Which genres each item has."""

    names: tuple[str, ...]
    of_item: Mask
    """Shape (items, genres)."""

    def having(self, genres: tuple[str, ...]) -> Mask:
        """Return which items have one of the genres, shape (items,). Raises ValueError for one that no item has."""
        unknown = [genre for genre in genres if genre not in self.names]
        if unknown:
            raise ValueError(
                f"no item has the genre {unknown[0]!r}; "
                + (f"choose from {', '.join(self.names)}" if self.names else "this data set has no genres")
            )
        wanted = [self.names.index(genre) for genre in genres]
        return np.asarray(self.of_item[:, wanted].any(axis=1))


def genres_json(genres: GenreTable) -> bytes:
    """Return the names and the numbers of each item's genres, as a bundle holds them."""
    numbers = [np.flatnonzero(row).tolist() for row in genres.of_item]
    told = {"names": list(genres.names), "of_item": numbers}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def genres_from(raw: bytes) -> GenreTable:
    """Return the table of `genres_json`."""
    told = json.loads(raw)
    of_item = np.zeros((len(told["of_item"]), len(told["names"])), dtype=bool)
    for row, numbers in enumerate(told["of_item"]):
        of_item[row, numbers] = True
    return GenreTable(tuple(told["names"]), of_item)


def genre_table(catalogue: "pd.DataFrame | None", item_ids: npt.NDArray[np.str_]) -> GenreTable:
    """Return the genres of the items in the order of item_ids.

    catalogue: columns item_id and genres (a list of str per item); None or no rows where there are no genres.
    """
    if catalogue is None or catalogue.empty:
        return GenreTable((), np.zeros((len(item_ids), 0), dtype=bool))
    import pandas as pd

    from ..interactions import positions

    each = catalogue[["item_id", "genres"]].explode("genres").dropna()
    row = positions(each["item_id"], item_ids)
    number, names = pd.factorize(each["genres"].astype(str), sort=True)
    of_item = np.zeros((len(item_ids), len(names)), dtype=bool)
    of_item[row[row >= 0], number[row >= 0]] = True
    return GenreTable(tuple(names), of_item)
