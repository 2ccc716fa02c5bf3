"""A user's own events and items: Parquet and CSV files in the columns of Interactions, or in others with a mapping."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from kaon.dsl.errors import did_you_mean

from ..interactions import CONTEXT, IDS, REQUIRED, BadInteractions, Interactions, checked, interactions, without_repeats
from .missing import MissingDataset
from .reading import BadFile, delimited, filled, renamed

ENDINGS = (".parquet", ".csv", ".csv.gz")
COLUMNS = (*REQUIRED, "time", *CONTEXT)
ITEMS = "items"
"""Name, without its ending, of the file that says what the items are."""
ITEM_COLUMNS = ("item_id", "title", "genres", "people", "text")


def own_files(folder: Path, columns: Mapping[str, str]) -> Interactions:
    """Return the interactions of all Parquet and CSV files in a folder but `items.*`, or of one such file.

    Columns: user_id, item_id, market; rating (1.0 where the files have none), time (ISO dates or seconds), device, hour
    and weekday are optional. A pair of user and item that stands there more than once is kept once.

    columns: the name in the files of each of those columns that has another one there.
    Raises MissingDataset if there is no such file, BadFile and BadInteractions if one does not hold interactions: the
    message names file and line (of Parquet: row, from 0).
    """
    tables = {path: _events(path, frame) for path, frame in own_tables(folder, columns, COLUMNS, step="select_users")}
    timeless = [str(path) for path, table in tables.items() if "time" not in table]
    if 0 < len(timeless) < len(tables):
        raise BadFile(f"{', '.join(timeless)} has no column 'time', and the others do; give all files one, or none")
    return interactions(without_repeats(pd.concat(tables.values(), ignore_index=True)), source=str(folder))


def _events(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the checked interactions of one file; which columns can have other names is said here, where they can."""
    missing = [name for name in IDS if name not in frame]
    if missing:
        raise BadInteractions(
            f"{path.name} has no column {', '.join(map(repr, missing))}: it has {', '.join(map(repr, frame.columns))}; "
            f'name the file\'s own column, as in select_users.columns=\'{{"{missing[0]}": "its name there"}}\', or add '
            "one: where all is one market it says the same in every row"
        )
    return checked(frame if "rating" in frame else frame.assign(rating=1.0), source=path.name)


def own_tables(
    folder: Path, columns: Mapping[str, str], known: tuple[str, ...], *, step: str
) -> Iterator[tuple[Path, pd.DataFrame]]:
    """Yield the Parquet and CSV files in a folder but `items.*`, or the one such file, with their columns renamed.

    columns: the name in the files of each of the known columns that has another one there.
    step: whose settings folder and columns are.
    Raises MissingDataset if there is no such file, BadFile if one is no table or the mapping does not fit.
    """
    _check(columns, known, step)
    paths = [folder] if folder.is_file() else [path for path in _tables(folder) if _stem(path) != ITEMS]
    if not paths or not paths[0].name.endswith(ENDINGS):
        raise MissingDataset(
            "files",
            folder,
            published=f"your own: *.parquet, *.csv or *.csv.gz with {', '.join(known)}",
            terms="yours",
            step=step,
        )
    for path in paths:
        yield path, _table(path, {theirs: ours for ours, theirs in columns.items()}, step)


def own_items(folder: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return what items.parquet, items.csv or items.csv.gz in a folder says, or no rows without such a file.

    Columns: item_id; title, genres, people and text are optional. Genres and people are lists, or joined by `|`.

    columns: as in `own_files`, for the sake of item_id.
    Raises BadFile if the file has no item_id.
    """
    paths = [path for path in _tables(folder) if _stem(path) == ITEMS]
    if not paths:
        return pd.DataFrame(columns=list(ITEM_COLUMNS))
    frame = _table(paths[0], {columns.get("item_id", "item_id"): "item_id"}, "select_users").reset_index(drop=True)
    lists = {name: frame[name].map(_listed) for name in ("genres", "people") if name in frame}
    return frame.assign(item_id=frame["item_id"].astype(str), **lists).fillna({"title": "", "text": ""})


def _table(path: Path, columns: Mapping[str, str], step: str) -> pd.DataFrame:
    """Return a file with its columns renamed; a column that another one replaces is left out."""
    mend = f'name the file\'s own column, as in {step}.columns=\'{{"user_id": "customer"}}\''
    if not path.name.endswith(".parquet"):
        return delimited(path, columns, mend=mend)
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise BadFile(f"{path} cannot be read as Parquet: {error}; write the file again") from error
    return filled(path, renamed(path, frame, columns, mend=mend))


def _check(columns: Mapping[str, str], known: tuple[str, ...], step: str) -> None:
    for name, theirs in columns.items():
        if name not in known:
            raise BadFile(
                f"{step}.columns maps {name!r}, which is none of {', '.join(known)}; {did_you_mean(name, known)}"
            )
        both = [repr(ours) for ours, other in columns.items() if other == theirs]
        if len(both) > 1:
            raise BadFile(
                f"{step}.columns maps {', '.join(both)} to the same column {theirs!r}; give each one of its own"
            )


def _listed(names: object) -> list[str]:
    if isinstance(names, str):
        return [name for name in names.split("|") if name]
    return [] if names is None or isinstance(names, float) else [str(name) for name in names]  # type: ignore[attr-defined]


def _tables(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.endswith(ENDINGS))


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]
