"""The conformance suite of kinds: what the store relies on, whoever wrote the kind.

class TestTableKind(KindTests):
    kind = TableKind()
    examples = [(pd.DataFrame, EMPTY_TABLE), (pd.DataFrame, SMALL_TABLE)]
    foreign = [int, str]
"""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from ..errors import WrongType
from ..kinds import Kind, kind_for
from ..kinds.annotations import stripped

__all__ = ["KindTests", "dumped"]


def dumped(kind: Kind[Any], value: object) -> bytes:
    """Return the bytes that the kind writes for the value."""
    raw = io.BytesIO()
    kind.dump(value, raw)
    return raw.getvalue()


class KindTests:
    """Subclass it as `Test…`, and give the kind and examples. `equal` and `again` suit most types as they are."""

    kind: ClassVar[Kind[Any]]
    examples: ClassVar[Sequence[tuple[object, Any]]]
    """Annotation and value."""
    foreign: ClassVar[Sequence[object]] = (int, object, "not a type")
    """Annotations that the kind refuses."""
    installed: ClassVar[bool] = True
    """Whether the kind is declared as an entry point."""

    def equal(self, first: Any, second: Any) -> bool:
        """Say whether two values are the same to a user."""
        return type(first) is type(second) and bool(first == second)

    def again(self, value: Any) -> Any:
        """Return an equal value that is another object."""
        return copy.deepcopy(value)

    @pytest.fixture
    def values(self) -> Sequence[tuple[object, Any]]:
        """Every example."""
        return self.examples

    def test_what_is_dumped_loads_as_an_equal_value(self, values: Sequence[tuple[object, Any]]) -> None:
        for annotation, value in values:
            loaded = self.kind.load(io.BytesIO(dumped(self.kind, value)), stripped(annotation))

            assert self.equal(loaded, value), (loaded, value)

    def test_equal_values_give_equal_bytes(self, values: Sequence[tuple[object, Any]]) -> None:
        for _, value in values:
            assert dumped(self.kind, value) == dumped(self.kind, self.again(value))

    def test_a_loaded_value_dumps_to_the_same_bytes(self, values: Sequence[tuple[object, Any]]) -> None:
        for annotation, value in values:
            raw = dumped(self.kind, value)

            assert dumped(self.kind, self.kind.load(io.BytesIO(raw), stripped(annotation))) == raw

    def test_different_examples_give_different_bytes(self, values: Sequence[tuple[object, Any]]) -> None:
        raws = [dumped(self.kind, value) for _, value in values]

        assert len(set(raws)) == len(raws)

    def test_dumping_leaves_the_value_as_it_was(self, values: Sequence[tuple[object, Any]]) -> None:
        for _, value in values:
            before = self.again(value)
            dumped(self.kind, value)

            assert self.equal(before, value)

    def test_a_value_loads_without_saying_as_what(self, values: Sequence[tuple[object, Any]]) -> None:
        for _, value in values:
            assert self.kind.load(io.BytesIO(dumped(self.kind, value)), object) is not None or value is None

    def test_the_summary_is_plain_json(self, values: Sequence[tuple[object, Any]]) -> None:
        for _, value in values:
            summary = self.kind.summary(value)

            assert json.loads(json.dumps(summary, allow_nan=False)) == summary

    def test_the_kind_accepts_the_annotations_of_its_values(self, values: Sequence[tuple[object, Any]]) -> None:
        for annotation, _ in values:
            assert self.kind.accepts(stripped(annotation))
            if self.installed:
                assert kind_for(annotation).name == self.kind.name

    def test_the_kind_refuses_foreign_annotations(self) -> None:
        for annotation in self.foreign:
            assert not self.kind.accepts(annotation), annotation

    def test_reading_as_a_foreign_type_is_refused(self, values: Sequence[tuple[object, Any]]) -> None:
        class Stranger:
            pass

        with pytest.raises(WrongType):
            self.kind.load(io.BytesIO(dumped(self.kind, values[0][1])), Stranger)
