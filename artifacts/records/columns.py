"""Column types that mean the same in SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from .json_text import from_json_text, json_text

# The processors are given directly: what TypeDecorator wraps around `process_bind_param` costs more than they do.


class UtcTime(TypeDecorator[datetime]):
    """An instant; always comes back in UTC. SQLite keeps it as text, `2026-01-31 12:00:00.000000`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return String(26) if dialect.name == "sqlite" else self.impl_instance

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _utc_text if dialect.name == "sqlite" else _utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _from_utc_text if dialect.name == "sqlite" else _utc


class JsonText(TypeDecorator[Any]):
    """JSON as text: unlike a database's own JSON type it keeps NaN, NUL and the order of keys."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return json_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Any]:
        return _from_json


class PlainText(TypeDecorator[str]):
    """Text from anywhere: what a database refuses (NUL, lone surrogates) is replaced, so that no log line is lost."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        return plain_text


def plain_text(value: str | None) -> str | None:
    """Return text that every database takes.

    >>> plain_text("a\\x00b")
    'a�b'
    """
    if value is None or (value.isascii() and "\x00" not in value):
        return value
    return value.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    assert value.tzinfo is not None, f"{value} has no time zone"
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _utc_text(value: datetime | None) -> str | None:
    instant = _utc(value)
    return None if instant is None else instant.replace(tzinfo=None).isoformat(" ", "microseconds")


def _from_utc_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")  # ten times as fast as `replace`


def _from_json(value: str | None) -> Any:
    return None if value is None else from_json_text(value)
