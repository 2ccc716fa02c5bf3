from __future__ import annotations

import io
import math
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from kaon.artifacts import NotDigestible, digest_bytes, digest_stream, digest_value

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Point:
    x: int
    y: float


@dataclass(frozen=True)
class Place:
    x: int
    y: float


class Config(BaseModel):
    rank: int = 64
    names: set[str] = set()


class Pair(NamedTuple):
    left: int
    right: int


def test_bytes_have_their_sha256():
    assert digest_bytes(b"") == EMPTY


def test_a_stream_has_the_digest_of_what_is_left_in_it():
    stream = io.BytesIO(b"head" + b"x" * 3_000_000)
    stream.read(4)

    assert digest_stream(stream) == digest_bytes(b"x" * 3_000_000)


def test_the_digest_of_a_value_never_changes():
    value = {
        "none": None,
        "numbers": [True, 1, -(2**70), 1.5, -0.0, math.inf, math.nan],
        "text": ("é", "", b"\x00"),
        "set": {3, 1, 2},
        "times": [date(2026, 1, 2), datetime(2026, 1, 2, 3, tzinfo=UTC), datetime(2026, 1, 2), timedelta(days=1)],
        "others": [Decimal("1.50"), UUID(int=7), PurePosixPath("a/b")],
    }

    assert digest_value(value) == PINNED_VALUE
    assert digest_value(math.nan) == PINNED_NAN


PINNED_VALUE = "sha256:3e77cc8813c7ed8c9d7bfb347156c0c0fa48a33811f3e0d4d8ed391a14870e0d"
PINNED_NAN = "sha256:30e82e19f3311701cdc6098697b11960fce2800844753ea57e086ba022214167"


def test_the_digest_is_the_same_in_another_process_with_other_hash_seeds():
    code = "from kaon.artifacts import digest_value; print(digest_value({'a': {'x', 'y', 'z'}, 'b': (1, 2.5)}))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert seen == {digest_value({"b": (1, 2.5), "a": {"z", "y", "x"}})}


DIFFERENT = [
    None, False, True, 0, 1, 0.0, 1.0, "", "1", b"", b"1", [], (), {}, set(), [1], (1,), {1}, {1: 1}, {"1": 1},
    [[1], 2], [1, [2]], ["ab"], ["a", "b"], Colour.RED, Colour.BLUE, Point(1, 2.0), Place(1, 2.0), Point(2, 2.0),
    Config(), Config(rank=1), Pair(1, 2), (1, 2), date(2026, 1, 1), datetime(2026, 1, 1),
    datetime(2026, 1, 1, tzinfo=UTC), timedelta(1), Decimal("1"), UUID(int=1), Path("1"), np.arange(3),
    np.arange(3.0), np.arange(3).reshape(3, 1), -1, math.nan, math.inf,
]  # fmt: skip


def test_values_that_differ_have_digests_that_differ():
    assert len({digest_value(value) for value in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, MappingProxyType({"a": 1})),
        ({1, 2}, frozenset({2, 1})),
        (math.nan, -float("nan")),
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (b"x", bytearray(b"x")),
        (np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3))),
        (np.arange(3, dtype="<i8"), np.arange(3, dtype=">i8")),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))),
        (Config(names={"a", "b", "c"}), Config(names={"c", "b", "a"})),
    ],
)
def test_equal_values_have_equal_digests(first: object, second: object):
    assert digest_value(first) == digest_value(second)


def test_arrays_of_records_differ_by_the_names_of_their_fields_and_not_by_their_padding():
    plain = np.array([(1, 2)], [("a", "i1"), ("b", "i4")])
    padded = plain.astype(np.dtype([("a", "i1"), ("b", "i4")], align=True))

    assert digest_value(plain) == digest_value(padded)
    assert digest_value(plain) != digest_value(plain.astype([("x", "i1"), ("y", "i4")]))


def test_a_flag_of_no_member_has_a_digest_of_its_own():
    class Kept(Flag):
        ALS = 1

    assert digest_value(Kept(0)) != digest_value(Kept.ALS)


@pytest.mark.parametrize("value", [object(), print, np.array([object()]), Point, np.longdouble(1)])
def test_what_has_no_canonical_form_is_refused_with_its_place(value: Any):
    with pytest.raises(NotDigestible, match=r"value\['a'\]\[1\] is a") as caught:
        digest_value({"a": [1, value]})

    assert "fix: " in str(caught.value)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=12,
)


@given(values, values)
def test_two_digests_agree_exactly_when_the_written_values_do(first: object, second: object):
    def written(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ",".join(sorted(f"{key!r}:{written(item)}" for key, item in value.items())) + "}"
        if isinstance(value, (list, tuple)):
            return type(value).__name__ + "[" + ",".join(map(written, value)) + "]"
        return repr(value)

    assert (digest_value(first) == digest_value(second)) == (written(first) == written(second))
