"""How values look on a page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

LONGEST = 60
"""Characters of a value in a row of a table."""


def duration(time: timedelta | float) -> str:
    """Return a duration for people.

    >>> [duration(s) for s in (0.0, 0.041, 3.25, 75, 7300, 200000)]
    ['0 ms', '41 ms', '3.2 s', '1 min 15 s', '2 h 1 min', '2 d 7 h']
    """
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if seconds < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if seconds < 24 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def rate(per_second: float) -> str:
    """Return a rate for people.

    >>> [rate(r) for r in (2104.4, 12.34, 0.25)]
    ['2,104/s', '12.3/s', '15/min']
    """
    if per_second >= 100:
        return f"{per_second:,.0f}/s"
    return f"{per_second:.1f}/s" if per_second >= 1 else f"{per_second * 60:.0f}/min"


def size(count_of_bytes: int) -> str:
    """Return a number of bytes for people.

    >>> [size(n) for n in (12, 2048, 5 * 1024**2)]
    ['12 B', '2.0 KiB', '5.0 MiB']
    """
    amount = float(count_of_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def count(number_of: int) -> str:
    """Return a whole number with its thousands apart.

    >>> count(10000)
    '10,000'
    """
    return f"{number_of:,}"


def number(value: object) -> str:
    """Return a measured value with as many digits as say something; anything else as `short` does.

    >>> [number(v) for v in (0.123456, 12, 1234567.0, True, "a")]
    ['0.1235', '12', '1.235e+06', 'true', 'a']
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    return short(value)


def moment(time: datetime) -> str:
    """Return a time in UTC, to the second; the page shows it in the reader's zone.

    >>> moment(datetime(2026, 1, 31, 12, 5, tzinfo=UTC))
    '2026-01-31 12:05:00 UTC'
    """
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def json_text(value: object) -> str:
    """Return a value as JSON, text without its quotes.

    >>> json_text([1, 2]), json_text("als")
    ('[1, 2]', 'als')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def short(value: object, longest: int = LONGEST) -> str:
    """Return a value as one short line.

    >>> short("a" * 100, 5)
    'aaaa…'
    """
    text = json_text(value).replace("\n", " ") or '""'
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def items(keys: Iterable[tuple[str, object]]) -> str:
    """Return loop items in words.

    >>> items((("market", "CA"), ("rank", 8)))
    'market=CA, rank=8'
    """
    return ", ".join(f"{name}={short(value)}" for name, value in keys)


def last(path: str) -> str:
    """Return the last part of a plan path.

    >>> last("flow/repeat/fit")
    'fit'
    """
    return path.rpartition("/")[2]
