"""Who watched what, when, on which device and how far: the table that the continue-watching row learns from."""

from typing import NewType

import numpy as np
import pandas as pd

Sessions = NewType("Sessions", pd.DataFrame)
"""One row a session, sorted by user and time.

Columns user_id, title_id, device (str), time (datetime64[ns, UTC], by the user's clock), episode (int64, the one that
was reached, from 1), episodes (int64, of the title; 1 for a film) and fraction (float32, of that episode that was
watched at the end, in [0, 1]).
"""

REQUIRED = ("user_id", "title_id", "device", "time", "fraction")
COLUMNS = (*REQUIRED, "episode", "episodes")


class BadSessions(ValueError):
    """A table does not hold sessions; the message names the column, the rows and the mend."""


def sessions(frame: pd.DataFrame, *, source: str = "the table") -> Sessions:
    """Return the checked sessions of a table: right types, right columns, in order.

    frame: has user_id, title_id, device, time and fraction; where it has no episode and episodes, all are films.
    source: what the errors call the table; they call a row by the table's index.
    Raises BadSessions for a missing column or a value that cannot be.
    """
    missing = [name for name in REQUIRED if name not in frame]
    if missing:
        raise BadSessions(
            f"{source} has no column {', '.join(map(repr, missing))}: it has "
            f"{', '.join(repr(str(name)) for name in frame.columns) or 'none'}; sessions need "
            f"{', '.join(map(repr, REQUIRED))} and may have 'episode' and 'episodes'"
        )
    columns: dict[str, pd.Series] = {name: _text(frame, name, source) for name in ("user_id", "title_id", "device")}
    columns["time"] = _times(frame, source)
    for name in ("episode", "episodes"):
        columns[name] = _whole(frame, name, source) if name in frame else pd.Series(1, frame.index, np.int64)
    columns["fraction"] = _fractions(frame, source)
    _check(
        columns["episode"] > columns["episodes"],
        frame["title_id"],
        "episode is above episodes",
        source,
        "count both from 1",
    )
    ordered = pd.DataFrame(columns).sort_values(["user_id", "time"], kind="stable", ignore_index=True)
    return Sessions(ordered)


def _text(frame: pd.DataFrame, name: str, source: str) -> pd.Series:
    text = frame[name].astype(object).where(frame[name].notna(), "").astype(str)
    _check(text.str.strip() == "", frame[name], f"{name} is empty", source, "every session needs one")
    return text


def _times(frame: pd.DataFrame, source: str) -> pd.Series:
    column = frame["time"]
    if pd.api.types.is_numeric_dtype(column):
        times = pd.to_datetime(column, utc=True, errors="coerce", unit="s")
    else:
        times = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
    mend = "write ISO dates (2017-11-09T20:15:00) or seconds since 1970"
    _check(times.isna(), column, "time is not a date", source, mend)
    return times.astype("datetime64[ns, UTC]")


def _whole(frame: pd.DataFrame, name: str, source: str) -> pd.Series:
    numbers = pd.to_numeric(frame[name], errors="coerce")
    wrong = ~(numbers >= 1) | (numbers % 1 != 0)
    _check(wrong, frame[name], f"{name} is not a whole number from 1 on", source, "write 1 for a film")
    return numbers.astype(np.int64)


def _fractions(frame: pd.DataFrame, source: str) -> pd.Series:
    numbers = pd.to_numeric(frame["fraction"], errors="coerce")
    wrong = ~numbers.between(0, 1)
    _check(wrong, frame["fraction"], "fraction is not between 0 and 1", source, "write 0.5 where half was watched")
    return numbers.astype(np.float32)


def _check(wrong: pd.Series, found: pd.Series, what: str, source: str, mend: str) -> None:
    if wrong.any():
        called = wrong.index.name or "row"
        first = wrong.index[wrong.to_numpy()][0]
        more = f" and {int(wrong.sum()) - 1} more" if wrong.sum() > 1 else ""
        raise BadSessions(
            f"{source}: {what} in {called} {first}{more}: {found[wrong.to_numpy()].tolist()[0]!r}; {mend}"
        )
