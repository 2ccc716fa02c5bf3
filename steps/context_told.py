"""When and on what somebody asks, in the words of the data: for whoever serves, and for what checks whoever serves."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from .context_crosses import ContextColumn

DEVICE, HOUR, WEEKDAY = "device", "hour", "weekday"

TELLS: Mapping[str, tuple[str, ...]] = {DEVICE: (DEVICE,), "time": (HOUR, WEEKDAY)}
"""The columns of the context by what of a request tells them."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

NUMBERED = re.compile(r"[01]\d|2[0-3]")
"""An hour as a clock shows it, 00 to 23."""


def context_told(columns: Sequence[ContextColumn], device: str, time: datetime | None) -> Mapping[str, str]:
    """Return the value of every column of the context that a device and a time tell; each is one that the data knows.

    A time tells the hour where all hours of the data are numbers from 00 to 23, and the weekday where the data calls it
    by its English name, in letters of either case. It counts as the clock shows that it is written by, since the data
    has the hours of those who were there: of 2026-11-28T20:15:00+09:00 the hour is 20.

    device: empty if it is not told.
    """
    known = {column.name: column for column in columns}
    told = {DEVICE: device} if device else {}
    if time is not None:
        told |= _at(known, time)
    return {name: value for name, value in told.items() if name in known and value in known[name].number}


def _at(known: Mapping[str, ContextColumn], time: datetime) -> dict[str, str]:
    told = {}
    if HOUR in known and all(map(NUMBERED.fullmatch, known[HOUR].values)):
        told[HOUR] = f"{time.hour:02}"
    if WEEKDAY in known:
        today = WEEKDAYS[time.weekday()]
        told[WEEKDAY] = next((value for value in known[WEEKDAY].values if value.casefold() == today), "")
    return told
