"""Values in the words and digits in which people read them."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from .blocks import ArtifactLink, Cell, RunLink

LONGEST = 300
"""Characters of a cell; what is longer is cut."""


def said(value: object) -> str:
    """Return a value for people: six digits, thousands apart, nothing longer than a cell.

    >>> [said(value) for value in (0.1234567, 1234567, True, None, "a", 1e-9)]
    ['0.123457', '1,234,567', 'true', '–', 'a', '1e-09']
    """
    match value:
        case None:
            return "–"
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.0f}" if abs(value) >= 1e6 and value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def cell(value: object) -> Cell:
    """Return a value of a table as a cell: numbers stay numbers, the rest is text.

    >>> cell(b"\\x00\\xff"), cell(float("nan")), cell({"a": 1})
    ('0x00ff', nan, "{'a': 1}")
    """
    match value:
        case None | bool() | int() | float() | RunLink() | ArtifactLink():
            return value
        case datetime() | date() | time():
            return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
        case Decimal() | timedelta():
            return str(value)
        case bytes():
            return f"0x{value[: LONGEST // 2].hex()}{'…' if len(value) > LONGEST // 2 else ''}"
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def is_number(value: object) -> bool:
    """Say whether it is a finite number, and no truth value.

    >>> is_number(1), is_number(True), is_number(float("nan"))
    (True, False, False)
    """
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def column_said(name: str) -> str:
    """Return the name of a column: that which pandas gives an index without one says so.

    >>> column_said("__index_level_0__"), column_said("rating")
    ('index', 'rating')
    """
    return "index" if re.fullmatch(r"__index_level_\d+__", name) else name
