"""Which outputs fit which inputs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NewType, Optional, TypeVar, Union

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import Field

from kaon.dsl.fit import common_type, fits, items_of, shown
from kaon.dsl.kinds import kind_names, kind_of, storable

Events = NewType("Events", pd.DataFrame)
Clean = NewType("Clean", Events)
T = TypeVar("T")


class Animal: ...


class Cat(Animal): ...


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (int, int),
        (Cat, Animal),
        (int, float),
        (bool, int),
        (int, Any),
        (Any, int),
        (int, object),
        (int, T),
        (int, int | None),
        (int | None, int | str | None),
        (Optional[int], Union[int, None]),  # noqa: UP007, UP045  both spellings are met
        (Events, pd.DataFrame),
        (Clean, Events),
        (pd.DataFrame, pa.Table),
        (Events, pa.Table),
        (list[int], list[float]),
        (list[Cat], Sequence[Animal]),
        (list[int], Iterable[int]),
        (list[int], list),
        (list, list[int]),
        (dict[str, Cat], Mapping[str, Animal]),
        (tuple[int, int], Sequence[int]),
        (tuple[int, ...], tuple[float, ...]),
        (tuple[int, str], tuple[int, str]),
        (Annotated[int, Field(gt=0)], int),
        (int, Annotated[int, Field(gt=0)]),
        (Literal["a"], Literal["a", "b"]),
        (Literal["a", "b"], str),
        (Literal[1], float),
        (np.ndarray[Any, np.dtype[np.float32]], np.ndarray),
    ],
)
def test_an_output_fits(output: object, wanted: object) -> None:
    assert fits(output, wanted)


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (int, str),
        (float, int),
        (Animal, Cat),
        (int | None, int),
        (int | str, int | None),
        (pd.DataFrame, Events),
        (Events, Clean),
        (list[str], list[int]),
        (list[int], dict[str, int]),
        (dict[str, int], Mapping[int, int]),
        (tuple[int, str], Sequence[int]),
        (tuple[int, str], tuple[int, int]),
        (Literal["a", "c"], Literal["a", "b"]),
        (Literal["a"], int),
        (str, Literal["a"]),
        (pd.DataFrame, np.ndarray),
    ],
)
def test_an_output_does_not_fit(output: object, wanted: object) -> None:
    assert not fits(output, wanted)


@pytest.mark.parametrize(
    ("annotation", "items"),
    [
        (list[str], (str, str, False)),
        (list, (Any, Any, False)),
        (tuple[int, ...], (int, int, False)),
        (tuple[int, str], (int | str, int | str, False)),
        (Sequence[int], (int, int, False)),
        (dict[str, int], (str, int, True)),
        (Mapping, (Any, Any, True)),
        (NewType("Markets", list[str]), (str, str, False)),
        (Annotated[list[int], "annotated"], (int, int, False)),
        (str, None),
        (bytes, None),
        (int, None),
        (set[str], None),
        (int | None, None),
        (pd.DataFrame, None),
    ],
)
def test_a_loop_runs_over_lists_and_mappings(annotation: object, items: object) -> None:
    assert items_of(annotation) == items


@pytest.mark.parametrize(
    ("values", "expected"), [([1, 2], int), ([1, 2.5], float), (["a", 1], Any), ([], Any), ([True, False], bool)]
)
def test_written_values_have_the_narrowest_type_that_all_fit(values: list[object], expected: object) -> None:
    assert common_type(values) is expected


@pytest.mark.parametrize(
    ("annotation", "written"),
    [
        (int, "int"),
        (None, "None"),
        (Optional[int], "int | None"),  # noqa: UP045  both spellings are met
        (dict[str, list[int]], "dict[str, list[int]]"),
        (Mapping[str, int | None], "Mapping[str, int | None]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Literal["a", 1], "Literal['a', 1]"),
        (Annotated[int, Field(gt=0)], "int"),
        (Events, "Events"),
        (Any, "Any"),
        (T, "T"),
    ],
)
def test_a_type_is_shown_as_it_is_written(annotation: object, written: str) -> None:
    assert shown(annotation) == written


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (int, "json"),
        (pd.DataFrame, "table"),
        (Events, "table"),
        (Annotated[pd.DataFrame, "sorted"], "table"),
        (pd.DataFrame | None, "table"),
        (np.ndarray, "array"),
        (Literal["a", "b"], "json"),
        (Animal, None),
        (Annotated[int, ["an unhashable list"]], "json"),
    ],
)
def test_a_type_has_the_kind_that_stores_it(annotation: object, kind: str | None) -> None:
    assert kind_of(annotation) == kind


def test_a_union_of_two_types_is_stored_as_itself() -> None:
    assert storable(int | str | None) == int | str | None


def test_the_installed_kinds_are_known_by_name() -> None:
    assert {"table", "json", "array", "text"} <= set(kind_names())
