"""How values look on a page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

LONGEST = 60
"""Characters of a value in a row of a table."""


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


def chosen(keys: Sequence[tuple[str, object]]) -> str:
    """Return loop items as `kaon logs` takes them in brackets: of a single loop the value is enough.

    >>> chosen((("market", "CA"),)), chosen((("market", "CA"), ("rank", 8)))
    ('CA', 'market=CA, rank=8')
    """
    return short(keys[0][1]) if len(keys) == 1 else items(keys)


def last(path: str) -> str:
    """Return the last part of a plan path.

    >>> last("flow/repeat/fit")
    'fit'
    """
    return path.rpartition("/")[2]
