from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from pydantic import BaseModel, TypeAdapter

from kaon.artifacts import NotStorable, canonical_json, json_form


class Level(IntEnum):
    LOW = 1


class Market(Enum):
    US = "us"


@dataclass
class Inner:
    when: date


class Model(BaseModel):
    inner: Inner
    tags: set[str]


NESTED: list[Any] = []
NESTED.append(NESTED)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        ({"b": 1, "a": [True, 1.0, "é"]}, '{"a":[true,1.0,"é"],"b":1}'),
        ((1, (2,)), "[1,[2]]"),
        ({"z", "a"}, '["a","z"]'),
        (Level.LOW, "1"),
        ({Market.US: 1, date(2026, 1, 2): 2, 3: 4}, '{"2026-01-02":2,"3":4,"us":1}'),
        ({None: 1, True: 2}, '{"null":1,"true":2}'),
        (math.nan, "NaN"),
        (np.float32(0.5), "0.5"),
        (np.bool_(True), "true"),
        (datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00+00:00"'),
        (time(1, 2), '"01:02:00"'),
        ([Decimal("1.50"), UUID(int=1), PurePosixPath("a")], '["1.50","00000000-0000-0000-0000-000000000001","a"]'),
        (Model(inner=Inner(date(2026, 1, 2)), tags={"b", "a"}), '{"inner":{"when":"2026-01-02"},"tags":["a","b"]}'),
    ],
)
def test_values_are_written_in_one_way(value: Any, written: str):
    assert canonical_json(value).decode() == written


@pytest.mark.parametrize("duration", [timedelta(hours=30, microseconds=5), timedelta(seconds=-1), timedelta()])
def test_durations_keep_every_microsecond(duration: timedelta):
    assert TypeAdapter(timedelta).validate_json(canonical_json(duration)) == duration


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"a": [object()]}, r"value\['a'\]\[0\] is a builtins.object"),
        ({"1": 1, 1: 2}, "two keys that JSON writes as '1'"),
        ({(1, 2): 1}, r"has the key \(1, 2\), a tuple"),
        ("\ud800", "text that UTF-8 cannot say"),
        (Inner, "which JSON cannot say"),
        (b"raw", "builtins.bytes"),
        (np.longdouble(1), "numpy.longdouble"),
        (NESTED, "nested too deeply"),
    ],
)
def test_what_json_cannot_say_is_refused_with_its_place_and_a_mend(value: Any, problem: str):
    with pytest.raises(NotStorable, match=problem) as caught:
        canonical_json(value)

    assert caught.value.fix


def test_the_form_is_plain_json():
    form = json_form({"a": (1, {2}), "b": Inner(date(2026, 1, 2))})

    assert json.loads(json.dumps(form)) == form == {"a": [1, [2]], "b": {"when": "2026-01-02"}}
