"""Content digests: of bytes, of streams, and of values in a canonical, tagged form."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import struct
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any, BinaryIO, NewType, TypeAlias
from uuid import UUID

from .errors import NotDigestible

Digest = NewType("Digest", str)
"""`sha256:` and 64 hexadecimal digits."""

CHUNK = 1 << 20
"""Bytes read at a time. More at a time would be quicker beside busy threads, and slower alone, in fresh memory."""


def digest_bytes(raw: bytes | bytearray | memoryview) -> Digest:
    """Return the digest of the bytes.

    >>> digest_bytes(b"")[:19]
    'sha256:e3b0c44298fc'
    """
    return Digest("sha256:" + hashlib.sha256(raw).hexdigest())


def digest_stream(source: BinaryIO) -> Digest:
    """Return the digest of everything from the stream's position to its end."""
    seen = hashlib.sha256()
    while chunk := source.read(CHUNK):
        seen.update(chunk)
    return Digest("sha256:" + seen.hexdigest())


def holds(path: Path, digest: Digest) -> bool:
    """Say whether the file is there, with the bytes of this digest."""
    try:
        with path.open("rb") as file:
            return digest_stream(file) == digest
    except FileNotFoundError:
        return False


def digest_value(value: object) -> Digest:
    """Return the digest of a value: equal for equal values of equal types, in every process and on every machine.

    Types count (1, 1.0, True and "1" differ, so do lists and tuples); the order of mappings and sets does not.
    Knows None, numbers, text, bytes, lists, tuples, mappings, sets, dates and times, Decimal, UUID, paths, enums,
    dataclasses, pydantic models, numpy scalars and arrays. Every NaN is the same NaN.
    Raises NotDigestible, naming the place inside the value, for anything else.

    >>> digest_value({"a": 1, "b": 2}) == digest_value({"b": 2, "a": 1})
    True
    """
    return digest_bytes(_encode(value, ("value",)))


Where: TypeAlias = tuple[object, ...]
"""A place inside a value: text and keys, put together only for an error."""


def _encode(value: object, where: Where) -> bytes:
    """Return tag, length and content, so that no two values share an encoding."""
    plain = PLAIN.get(type(value))
    if plain is not None:
        return plain(value)
    match value:
        case Enum():
            member = str(value.value) if value.name is None else value.name  # a flag of no member has no name
            return _tagged(b"enum", _type(value), member.encode())
        case int():
            return _encode_int(value)
        case float():
            return _encode_float(value)
        case str():
            return _encode_text(value)
        case bytes() | bytearray() | memoryview():
            return _tagged(b"bytes", bytes(value))
        case Mapping():
            return _tagged(b"mapping", *sorted(_pairs(value, where)))
        case list():
            return _tagged(b"list", *_items(value, where))
        case tuple():
            name = _type(value) if hasattr(value, "_fields") else b""
            return _tagged(b"tuple", name, *_items(value, where))
        case Set():
            return _tagged(b"set", *sorted(_encode(item, (where, "{…}")) for item in value))
    return _encode_object(value, where)


def _encode_int(value: int) -> bytes:
    return _tagged(b"int", b"%d" % value)


def _encode_float(value: float) -> bytes:
    return _tagged(b"float", struct.pack(">d", math.nan if math.isnan(value) else value))


def _encode_text(value: str) -> bytes:
    return _tagged(b"str", value.encode("utf-8", "surrogatepass"))


PLAIN: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: _tagged(b"none"),
    bool: lambda value: _tagged(b"bool", b"1" if value else b"0"),
    int: _encode_int,
    float: _encode_float,
    str: _encode_text,
}
"""The types that most values are made of, found without asking one after the other."""


def _encode_object(value: object, where: Where) -> bytes:
    match value:
        case datetime() if value.tzinfo is not None:
            return _tagged(b"instant", value.astimezone(UTC).isoformat().encode())
        case datetime() | date() | time():
            return _tagged(type(value).__name__.encode(), value.isoformat().encode())
        case timedelta():
            return _tagged(b"timedelta", b"%d" % (value // timedelta(microseconds=1)))
        case Decimal() | UUID():
            return _tagged(type(value).__name__.encode(), str(value).encode())
        case PurePath():
            return _tagged(b"path", value.as_posix().encode("utf-8", "surrogateescape"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named: dict[object, object] = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return _tagged(b"dataclass", _type(value), *_pairs(named, where))
    return _encode_foreign(value, where)


def _encode_foreign(value: object, where: Where) -> bytes:
    """Encode pydantic's and numpy's types, told apart without importing either."""
    ancestors = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(value).__mro__}
    if ("pydantic", "BaseModel") in ancestors:
        return _tagged(b"model", _type(value), *sorted(_pairs(_fields(value), where)))
    item = value.item() if ("numpy", "generic") in ancestors else value  # type: ignore[attr-defined]
    if type(item) is not type(value):
        return _encode(item, where)
    if ("numpy", "ndarray") in ancestors and value.dtype.names is not None and not value.dtype.hasobject:  # type: ignore[attr-defined]
        columns = [[name, value[name]] for name in value.dtype.names]  # type: ignore[attr-defined,index]
        return _tagged(b"records", _encode(value.shape, where), _encode(columns, where))  # type: ignore[attr-defined]
    if ("numpy", "ndarray") in ancestors and not value.dtype.hasobject:  # type: ignore[attr-defined]
        little = value.astype(value.dtype.newbyteorder("<"), order="C")  # type: ignore[attr-defined]
        return _tagged(b"array", little.dtype.str.encode(), _encode(little.shape, where), little.tobytes())
    raise NotDigestible(
        f"{_place(where)} is a {_type(value).decode()}, which has no canonical form",
        why="a digest must be the same in every process, so only types with a fixed form have one",
        fix="use numbers, text, dates, enums, dataclasses or pydantic models, and lists, tuples or mappings of those",
    )


def _fields(model: Any) -> Mapping[object, object]:
    return dict(model)


def _pairs(mapping: Mapping[object, object], where: Where) -> list[bytes]:
    return [
        _encode(key, ("a key of ", where)) + _encode(item, (where, "[", _Key(key), "]"))
        for key, item in mapping.items()
    ]


def _items(items: Iterable[object], where: Where) -> list[bytes]:
    return [_encode(item, (where, "[", place, "]")) for place, item in enumerate(items)]


class _Key:
    """A key as an error shows it."""

    __slots__ = ("key",)

    def __init__(self, key: object) -> None:
        self.key = key

    def __str__(self) -> str:
        return repr(self.key)


def _place(where: Where) -> str:
    return "".join(_place(part) if isinstance(part, tuple) else str(part) for part in where)


def _type(value: object) -> bytes:
    return f"{type(value).__module__}:{type(value).__qualname__}".encode()


def _tagged(tag: bytes, *parts: bytes) -> bytes:
    """Return a netstring of the tag and of every part: unambiguous, whatever the parts hold."""
    return _head(tag, len(parts)) + b"".join([b"%d:%s" % (len(part), part) for part in parts])


@lru_cache(maxsize=1024)
def _head(tag: bytes, parts: int) -> bytes:
    return b"".join(b"%d:%s" % (len(part), part) for part in (tag, b"%d" % parts))
