from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kaon.artifacts import NotStorable
from kaon.artifacts.kinds.array import ArrayKind
from kaon.artifacts.testing import KindTests, dumped


class TestArrayKind(KindTests):
    kind = ArrayKind()
    examples = (
        (np.ndarray, np.arange(12, dtype="f4").reshape(3, 4)),
        (NDArray[np.float32], np.arange(12, dtype="f4").reshape(4, 3)),
        (np.ndarray, np.array(["user", "ü"])),
        (np.ndarray, np.array(5)),
        (np.ndarray, np.zeros((0, 3))),
        (np.ndarray, np.array([(1, 2.5)], dtype=np.dtype([("a", "i1"), ("b", "f8")], align=True))),
        (np.ndarray, np.array(["2026-01-01", "NaT"], "M8[s]")),
    )
    foreign = (int, list, object, np.float32)

    def equal(self, first: Any, second: Any) -> bool:
        return first.shape == second.shape and all(
            np.array_equal(first[name] if name else first, second[name] if name else second, equal_nan=not name)
            if first.dtype.kind != "U"
            else np.array_equal(first, second)
            for name in first.dtype.names or (None,)
        )


@pytest.mark.parametrize(
    "other",
    [
        lambda array: np.asfortranarray(array),
        lambda array: array.astype(">f8"),
        lambda array: np.repeat(array, 2, axis=0)[::2],
    ],
)
def test_memory_layout_does_not_show(other: Any):
    array = np.arange(12.0).reshape(3, 4)

    assert dumped(ArrayKind(), other(array)) == dumped(ArrayKind(), array)


def test_padding_does_not_show():
    padded = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    clean, dirty = np.zeros(2, padded), np.frombuffer(b"\xff" * 32, dtype=padded).copy()
    dirty["a"], dirty["b"] = 0, 0.0

    assert dumped(ArrayKind(), dirty) == dumped(ArrayKind(), clean)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([1, 2], "a list cannot be stored as array"),
        (np.ma.masked_array([1, 2], [0, 1]), "MaskedArray cannot be stored as array"),
        (np.array([object()]), "dtype object cannot be stored"),
        (np.array(["a"], dtype=np.dtypes.StringDType()), "StringDType"),
    ],
)
def test_what_needs_pickle_or_loses_its_mask_is_refused(value: Any, problem: str):
    with pytest.raises(NotStorable, match=problem):
        dumped(ArrayKind(), value)


def test_pickled_arrays_are_not_read():
    raw = io.BytesIO()
    np.save(raw, np.array([{"a": 1}]), allow_pickle=True)
    raw.seek(0)

    with pytest.raises(ValueError, match="allow_pickle"):
        ArrayKind().load(raw, object)
