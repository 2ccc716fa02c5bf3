"""A user's own events: Parquet and CSV files in the columns of Interactions."""

from collections.abc import Hashable, Mapping
from pathlib import Path

import pandas as pd

from ..interactions import Interactions, checked, interactions, without_repeats
from .missing import MissingDataset

READERS = {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".csv.gz": pd.read_csv}
IDS_AS_TEXT: Mapping[Hashable, type[str]] = {"user_id": str, "item_id": str, "market": str}


def own_files(folder: Path) -> Interactions:
    """Return the interactions of all Parquet and CSV files in a folder, or of one such file.

    Columns: user_id, item_id, market; rating (1.0 where the files have none) and time (ISO dates or seconds) are
    optional. A pair of user and item that stands there more than once is kept once. Raises MissingDataset if there is
    no such file, BadInteractions if one does not hold interactions: the message names file and row.
    """
    paths = [folder] if folder.is_file() else sorted(path for path in folder.glob("*") if _suffix(path) in READERS)
    if not paths or _suffix(paths[0]) not in READERS:
        raise MissingDataset(
            "files",
            folder,
            published="your own: *.parquet, *.csv or *.csv.gz with user_id, item_id, market, rating and perhaps time",
            terms="yours",
        )
    tables = [checked(_read(path), source=path.name) for path in paths]
    return interactions(without_repeats(pd.concat(tables, ignore_index=True)), source=str(folder))


def _read(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path) if _suffix(path) == ".parquet" else pd.read_csv(path, dtype=IDS_AS_TEXT)
    return frame if "rating" in frame else frame.assign(rating=1.0)


def _suffix(path: Path) -> str:
    return ".csv.gz" if path.name.endswith(".csv.gz") else path.suffix
