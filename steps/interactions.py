"""Who interacted with what, where and when: the one table that every step of the recommender reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NewType

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

Interactions = NewType("Interactions", pd.DataFrame)
"""Columns user_id, item_id, market (str), rating (float32) and, where the source has them, time (datetime64[ns, UTC])
and the context of the interaction: device, hour, weekday (str, in the source's own words).

One row per pair of user and item, sorted by market, user and item.
"""

IDS = ("user_id", "item_id", "market")
REQUIRED = (*IDS, "rating")
CONTEXT = ("device", "hour", "weekday")
ROWS_SHOWN = 3

Indices = npt.NDArray[np.int32]


class BadInteractions(ValueError):
    """A table does not hold interactions; the message names the column, the rows and the mend."""


def interactions(frame: pd.DataFrame, *, source: str = "the table") -> Interactions:
    """Return the checked interactions of a table: right types, right columns, one canonical order.

    frame: has user_id, item_id, market, rating and perhaps time, device, hour and weekday; other columns are left
        out, and so is a column of the context that is not filled in every row.
    source: what the errors call the table, such as a file's name. They call a row by the table's index, which may have
        a name for what it counts, such as `line`.
    Raises BadInteractions for a missing column, an empty id, a rating that is not a number, an unreadable time, or a
    pair of user and item that stands there twice (`without_repeats` keeps one of each).

    >>> frame = pd.DataFrame({"user_id": ["u"], "item_id": ["i"], "market": ["ca"], "rating": [5]})
    >>> interactions(frame).dtypes.to_dict()["rating"]
    dtype('float32')
    """
    rows = checked(frame, source=source)
    _check_repeats(rows, source)
    return Interactions(rows.sort_values(["market", "user_id", "item_id"], ignore_index=True))


def checked(frame: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """Return the table with the columns and types of Interactions, its rows and its index as they are."""
    _check_columns(frame, source)
    columns: dict[str, object] = {name: _ids(frame[name], name, source) for name in IDS}
    columns["rating"] = _ratings(frame["rating"], source)
    if "time" in frame:
        columns["time"] = _times(frame["time"], source)
    columns |= {name: _text(frame[name]) for name in CONTEXT if name in frame and _filled(frame[name])}
    return pd.DataFrame(columns)


def without_repeats(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with one row per pair of user and item: the latest where there is time, else the best rated."""
    order = [name for name in ("time", "rating", "market") if name in frame]
    return frame.sort_values(order, kind="stable").drop_duplicates(["user_id", "item_id"], keep="last")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Interactions by number instead of by id."""

    users: Indices
    """Row of each interaction in `user_ids`, shape (interactions,)."""
    items: Indices
    """Row of each interaction in `item_ids`, shape (interactions,)."""
    user_ids: npt.NDArray[np.str_]
    """Sorted, shape (users,)."""
    item_ids: npt.NDArray[np.str_]
    """Sorted, shape (items,)."""

    def matrix(self) -> sparse.csr_matrix:
        """Return the float32 matrix (users, items) that is 1 where a user and an item met."""
        ones = np.ones(len(self.users), "f4")
        return sparse.csr_matrix((ones, (self.users, self.items)), shape=(len(self.user_ids), len(self.item_ids)))


def pairs(frame: Interactions) -> Pairs:
    """Return the interactions by number; ids are numbered in ascending order, whatever the order of the rows."""
    users, user_ids = pd.factorize(frame["user_id"], sort=True)
    items, item_ids = pd.factorize(frame["item_id"], sort=True)
    return Pairs(
        users.astype(np.int32),
        items.astype(np.int32),
        np.asarray(user_ids, dtype=np.str_),
        np.asarray(item_ids, dtype=np.str_),
    )


def histories(frame: Interactions) -> Mapping[str, list[str]]:
    """Return the item ids of every user, in the order of the table."""
    return {str(user): list(items) for user, items in frame.groupby("user_id", sort=True)["item_id"]}


def markets_of(frame: Interactions) -> Mapping[str, str]:
    """Return the market of every user (the first one in the table, should a user have several)."""
    first = frame.drop_duplicates("user_id")
    return dict(zip(first["user_id"], first["market"], strict=True))


def context_of(frame: Interactions) -> Mapping[str, list[str]]:
    """Return the value of every interaction in each column of the context that the table has, in the table's order."""
    return {name: frame[name].tolist() for name in CONTEXT if name in frame}


def in_market(frame: Interactions, market: str) -> Interactions:
    """Return the interactions of one market, in the same order."""
    return Interactions(frame[frame["market"] == market].reset_index(drop=True))


def positions(
    ids: Sequence[str] | npt.NDArray[np.str_] | pd.Series, among: npt.NDArray[np.str_]
) -> npt.NDArray[np.int64]:
    """Return where each id stands in a sorted array of ids, or -1 where it does not.

    >>> positions(["b", "x"], np.array(["a", "b"])).tolist()
    [1, -1]
    """
    return pd.Index(among.astype(object)).get_indexer(pd.Index(np.asarray(ids, dtype=object))).astype(np.int64)


def _check_columns(frame: pd.DataFrame, source: str) -> None:
    missing = [name for name in REQUIRED if name not in frame]
    if missing:
        raise BadInteractions(
            f"{source} has no column {', '.join(map(repr, missing))}: "
            f"it has {', '.join(repr(str(name)) for name in frame.columns) or 'none'}; "
            f"interactions need {', '.join(map(repr, REQUIRED))} and may have 'time', {', '.join(map(repr, CONTEXT))}"
        )


def _ids(column: pd.Series, name: str, source: str) -> pd.Series:
    text = _text(column)
    empty = text.str.strip() == ""
    if empty.any():
        raise BadInteractions(
            f"{source}: {name} is empty in {_rows(empty)}; an interaction needs a user, an item and a market"
        )
    return text


def _text(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), "").astype(str)


def _filled(column: pd.Series) -> bool:
    return bool((_text(column).str.strip() != "").all())


def _ratings(column: pd.Series, source: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = pd.Series(~np.isfinite(numbers.to_numpy("f8", na_value=np.nan)), index=column.index)
    if wrong.any():
        found = column[wrong].head(ROWS_SHOWN).tolist()
        raise BadInteractions(
            f"{source}: rating is not a finite number in {_rows(wrong)}: {', '.join(map(repr, found))}; "
            "write 1.0 where there is no rating"
        )
    return numbers.astype("float32")


def _times(column: pd.Series, source: str) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column):
        times = pd.to_datetime(column, utc=True, errors="coerce", unit="s")
    else:
        times = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
        numbers = pd.to_numeric(column, errors="coerce")
        if numbers.notna().sum() > times.notna().sum():  # seconds that one bad row has made text
            times = pd.to_datetime(numbers, utc=True, errors="coerce", unit="s")
    times = times.astype("datetime64[ns, UTC]")
    wrong = times.isna()
    if wrong.any():
        found = column[wrong].head(ROWS_SHOWN).tolist()
        raise BadInteractions(
            f"{source}: time is not a date in {_rows(wrong)}: {', '.join(map(repr, found))}; "
            "write ISO dates (2017-11-09T10:00:00Z) or seconds since 1970"
        )
    return times


def _check_repeats(frame: pd.DataFrame, source: str) -> None:
    repeated = frame.duplicated(["user_id", "item_id"])
    if repeated.any():
        first = frame[repeated].iloc[0]
        raise BadInteractions(
            f"{source}: user {first['user_id']!r} and item {first['item_id']!r} stand together more than once "
            f"({_rows(repeated)}); keep one row per pair, for example with without_repeats(frame)"
        )


def _rows(wrong: pd.Series) -> str:
    rows, called = wrong.index[wrong.to_numpy()], wrong.index.name or "row"
    shown = ", ".join(str(row) for row in rows[:ROWS_SHOWN])
    more = f" and {len(rows) - ROWS_SHOWN} more" if len(rows) > ROWS_SHOWN else ""
    return f"{called}{'s' if len(rows) > 1 else ''} {shown}{more}"
