"""What items are: titles, genres, people and texts, where a data set has them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NewType

import pandas as pd

from .frappe import frappe_apps
from .loading import Dataset, folder_of
from .movielens_content import movies_1m, movies_small

Catalogue = NewType("Catalogue", pd.DataFrame)
"""One row an item, sorted by item_id.

Columns item_id, title (str), genres, people (lists of str, which are arrays once a store has held them) and text (str).
The people are directors, writers and actors; the text is a plot or a description. What a data set lacks is empty.
"""

EMPTY: Mapping[str, object] = {"item_id": "", "title": "", "genres": [], "people": [], "text": ""}

CONTENTS: Mapping[Dataset, Callable[[Path], pd.DataFrame]] = {
    "movielens-1m": movies_1m,
    "movielens-small": movies_small,
    "frappe": frappe_apps,
}


def load_catalogue(dataset: Dataset, folder: Path | None = None) -> Catalogue:
    """Return what the items of a data set are, or no rows where the data set does not say.

    folder: where its files are, as in `load`.
    Raises MissingDataset if a file is not there, BadContent if it does not hold what it should.
    """
    if dataset not in CONTENTS:
        return catalogue(pd.DataFrame(columns=list(EMPTY)))
    return catalogue(CONTENTS[dataset](folder_of(dataset, folder)))


def catalogue(frame: pd.DataFrame) -> Catalogue:
    """Return a table that has item_id and perhaps some of the other columns as a catalogue; an item stands there once.

    >>> frame = pd.DataFrame({"item_id": ["7", "10"], "genres": [["Drama"], []]})
    >>> catalogue(frame)[["item_id", "title", "genres"]].values.tolist()
    [['10', '', []], ['7', '', ['Drama']]]
    """
    columns = {name: frame[name] if name in frame else [empty] * len(frame) for name, empty in EMPTY.items()}
    rows = pd.DataFrame(columns, dtype=object).drop_duplicates("item_id")
    return Catalogue(rows.sort_values("item_id", ignore_index=True))
