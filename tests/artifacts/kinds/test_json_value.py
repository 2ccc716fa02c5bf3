from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from kaon.artifacts import Json, WrongType, same_kind
from kaon.artifacts.kinds.json_value import JsonKind
from kaon.artifacts.testing import KindTests, dumped


class Choice(Enum):
    GLOBAL = "global"
    LOCAL = "local"


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True)
class MarketScores:
    users: int
    scores: Mapping[str, Interval]
    choice: Choice = Choice.GLOBAL
    notes: tuple[str, ...] = ()
    parent: MarketScores | None = None


class Receipt(BaseModel):
    bundle: Path
    when: datetime | None = None
    number: int = Field(default=1, alias="version")
    tags: set[str] = set()


class Split(NamedTuple):
    train: list[int]
    test: list[int]


class Row(TypedDict):
    user: str


@dataclass
class Holder:
    frame: pd.DataFrame


@dataclass
class Unread:
    missing: "Nowhere"  # type: ignore[name-defined]  # noqa: F821, UP037


@dataclass
class Late:
    value: int
    derived: int = field(init=False, default=0)


class TestJsonKind(KindTests):
    kind = JsonKind()
    examples = (
        (bool, True),
        (int, 3),
        (float, 0.1),
        (str, "é"),
        (list[str], ["b", "a"]),
        (dict[str, int], {"b": 1, "a": 2}),
        (dict[int, list[date]], {2: [date(2026, 1, 2)]}),
        (tuple[int, ...], (1, 2)),
        (set[str], {"x", "y", "z"}),
        (Literal["a", "b"], "a"),
        (int | str, "1"),
        (Choice, Choice.LOCAL),
        (timedelta, timedelta(hours=5)),
        (MarketScores, MarketScores(3, {"US": Interval(0.1, 0.2)}, Choice.LOCAL, ("n",), MarketScores(1, {}))),
        (Receipt, Receipt(bundle=Path("/b"), when=datetime(2026, 1, 1), version=7, tags={"q", "p"})),
        (list[Receipt], [Receipt(bundle=Path("/c"))]),
        (Split, Split([1], [2, 3])),
        (Row, {"user": "u1"}),
        (dict[str, Any], {"a": [1, {"b": None}]}),
        (Mapping[str, Json], {"a": 1}),
        (float, float("inf")),
    )
    foreign = (object, Any, pd.DataFrame, np.ndarray, Holder, list[pd.DataFrame], bytes, Unread, print, "x")


@dataclass
class Ranked:
    items: Sequence[str]


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
trees = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=15)


@given(st.dictionaries(st.text(), trees))
def test_any_json_survives(value: dict[str, Any]):
    assert JsonKind().load(io.BytesIO(dumped(JsonKind(), value)), dict[str, Any]) == value


@given(st.permutations([("a", 1), ("b", 2), ("c", 3)]))
def test_the_order_of_keys_does_not_show(pairs: list[tuple[str, int]]):
    assert dumped(JsonKind(), dict(pairs)) == b'{"a":1,"b":2,"c":3}'


def test_a_value_of_another_type_is_refused_with_its_place():
    with pytest.raises(WrongType, match="the JSON value is not a") as caught:
        JsonKind().load(io.BytesIO(b'{"items": ["a", 3]}'), Ranked)

    assert "at items.1: " in caught.value.why


def test_a_type_that_json_cannot_check_is_refused():
    with pytest.raises(WrongType):
        JsonKind().load(io.BytesIO(b"{}"), pd.DataFrame)
    with pytest.raises(WrongType, match="pydantic cannot check it"):
        JsonKind().load(io.BytesIO(b"[]"), list["Nowhere"])  # type: ignore[name-defined]  # noqa: F821


def test_an_annotation_that_cannot_be_hashed_still_reads():
    from typing import Annotated

    assert JsonKind().load(io.BytesIO(b"3"), Annotated[int, Field(json_schema_extra={"a": 1}), ["unhashable"]]) == 3


def test_types_of_one_kind_are_not_the_same_type():
    assert same_kind(int, int)
    assert not same_kind(int, str)


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        (3, {"value": 3}),
        (None, {"value": None}),
        ("abc", {"characters": 3}),
        ({"b": 1}, {"items": 1, "keys": ["b"]}),
        ([1, 2], {"items": 2}),
        ({1}, {"items": 1}),
        (Interval(0, 1), {"type": "Interval"}),
    ],
)
def test_the_summary_says_what_it_is(value: object, summary: dict[str, Any]):
    assert JsonKind().summary(value) == summary
