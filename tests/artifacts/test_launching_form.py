"""A workflow's form, made from its schema alone: what it asks, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from kaon.artifacts.launching.fields import REQUIRED, Form, form_of
from kaon.artifacts.launching.points import axis_values, points_of
from kaon.artifacts.launching.reading import Reading, read_form
from kaon.dsl import step, workflow
from kaon.dsl.settings import flat, validated


class Engine(Enum):
    spark = "spark"
    implicit = "implicit"


class Options(BaseModel):
    depth: Annotated[int, Field(ge=1, le=9)] = 3
    loss: Literal["log", "hinge"] = "log"


class Params(BaseModel):
    as_of: date
    markets: list[str] = ["ca", "us"]


@step(output="model")
def train(
    markets: list[str],
    *,
    rank: Annotated[int, Field(gt=0)] = 8,
    alpha: float = 40,
    engine: Engine = Engine.implicit,
    note: str | None = None,
    verbose: bool = False,
    weights: dict[str, float] = {"ca": 1.0},  # noqa: B006
    options: Options = Options(depth=4),  # noqa: B008
) -> float:
    """Train a model.

    rank: length of the vectors.
    """
    return rank * alpha


DEMO = workflow("demo", train, params=Params)


@pytest.fixture
def form() -> Form:
    return form_of(json.loads(DEMO.plan.to_json()))


def read(form: Form, **given: str) -> Reading:
    return read_form(
        form, {"v-as_of": "2026-01-31", **{name.replace("__", "-", 1): text for name, text in given.items()}}
    )


def test_every_setting_is_a_field_of_its_kind_with_its_default_help_and_limits(form: Form):
    kinds = {name: (one.kind, one.default) for name, one in form.fields.items()}

    assert kinds == {
        "as_of": ("date", REQUIRED),
        "markets": ("list", ["ca", "us"]),
        "train.rank": ("integer", 8),
        "train.alpha": ("number", 40),
        "train.engine": ("choice", "implicit"),
        "train.note": ("text", None),
        "train.verbose": ("boolean", False),
        "train.weights": ("json", {"ca": 1.0}),
        "train.options/depth": ("integer", 4),
        "train.options/loss": ("choice", "log"),
    }
    rank = form.fields["train.rank"]
    assert (rank.help, rank.hint, rank.step, rank.swept) == ("Length of the vectors.", "More than 0", "train", True)
    assert [(group.step, group.doc) for group in form.groups] == [("", ""), ("train", "Train a model.")]


def test_what_is_read_unchanged_is_what_a_run_without_settings_has(form: Form):
    reading = read(form)

    assert reading.wrong == {} and reading.changed(form) == {"as_of": "2026-01-31"}
    assert reading.values == flat(validated(DEMO.settings_model, {"as_of": "2026-01-31"}))


def test_what_is_written_is_read_in_the_type_of_its_setting(form: Form):
    written = {"v-train.rank": "16", "v-train.alpha": "1e-2", "v-train.note": "a, b", "v-train.verbose": "true"}
    written |= {"v-markets": "ca\nuk\n", "v-train.weights": '{"uk": 2}', "v-train.options/depth": "5"}
    reading = read_form(form, {"v-as_of": "2026-01-31", **written})

    assert reading.wrong == {}
    parameters = reading.changed(form)
    assert validated(DEMO.settings_model, parameters) is not None
    assert (parameters["train.alpha"], parameters["train.options"]) == (0.01, {"depth": 5, "loss": "log"})
    assert parameters["markets"] == ["ca", "uk"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("v-as_of", "", "needs a value"),
        ("v-as_of", "soon", "must be a date, such as 2026-01-31"),
        ("v-train.rank", "0", "must be more than 0"),
        ("v-train.rank", "2.5", "must be a whole number"),
        ("v-train.rank", "<b>", "must be a whole number, and '<b>' is none"),
        ("v-train.rank", "", "needs a value"),
        ("v-train.alpha", "nan", "must be a finite number"),
        ("v-train.engine", "dask", "must be one of spark, implicit"),
        ("v-train.verbose", "maybe", "must be true or false"),
        (
            "v-train.weights",
            "{",
            "is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ("v-train.weights", '{"ca": "x"}', "ca: must be a number"),
        ("v-train.options/depth", "10", "must be at most 9"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_at_its_field(form: Form, name: str, text: str, said: str):
    reading = read_form(form, {"v-as_of": "2026-01-31", name: text})

    assert reading.wrong == {name: said}


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ({"varies-train.rank": "list", "list-train.rank": "8, 16,32"}, [8, 16, 32]),
        (
            {"varies-train.rank": "range", "low-train.rank": "1", "high-train.rank": "9", "count-train.rank": "5"},
            [1, 3, 5, 7, 9],
        ),
        (
            {"varies-train.rank": "log", "low-train.rank": "1", "high-train.rank": "100", "count-train.rank": "3"},
            [1, 10, 100],
        ),
        ({"varies-train.engine": "list", "list-train.engine": "spark,implicit"}, ["spark", "implicit"]),
        ({"varies-train.verbose": "list", "list-train.verbose": "true,false"}, [True, False]),
    ],
)
def test_a_field_is_swept_over_a_list_or_a_range(form: Form, written: Mapping[str, str], values: list[Any]):
    reading = read_form(form, {"v-as_of": "2026-01-31", **written})

    assert reading.wrong == {}
    ((address, axis),) = reading.axes.items()
    assert axis_values(axis) == values and reading.points == len(values)
    assert address not in reading.values


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ({"varies-train.rank": "list", "list-train.rank": "8,0"}, {"list-train.rank": "must be more than 0"}),
        ({"varies-train.rank": "list", "list-train.rank": "8,8"}, {"list-train.rank": "has 8 twice"}),
        ({"varies-train.rank": "list"}, {"list-train.rank": "needs values, with commas between them"}),
        (
            {"varies-train.alpha": "log", "low-train.alpha": "-1", "high-train.alpha": "2", "count-train.alpha": "3"},
            {"low-train.alpha": "must be more than 0 on a logarithmic scale"},
        ),
        (
            {"varies-train.alpha": "range", "low-train.alpha": "3", "high-train.alpha": "2", "count-train.alpha": "x"},
            {
                "count-train.alpha": "must be a whole number from 2 to 1,000, or left empty",
                "high-train.alpha": "must be more than where the range begins",
            },
        ),
        (
            {"varies-train.alpha": "range", "low-train.alpha": "3", "high-train.alpha": "4"},
            {"sample": "say how many points are drawn, since a range without a number of values has no end"},
        ),
    ],
)
def test_what_varies_is_checked_too(form: Form, written: Mapping[str, str], wrong: Mapping[str, str]):
    assert read_form(form, {"v-as_of": "2026-01-31", **written}).wrong == wrong


def test_points_are_drawn_at_random_without_repeats_and_the_same_for_a_seed():
    axes = {"rank": {"values": [1, 2, 3, 4]}, "alpha": {"low": 1.0, "high": 100.0, "log": True}}

    drawn = points_of(axes, 50, seed=3)

    assert drawn == points_of(axes, 50, seed=3) != points_of(axes, 50, seed=4)
    assert len(set(drawn)) == 50 and all(rank in (1, 2, 3, 4) and 1 <= alpha <= 100 for rank, alpha in drawn)
    assert len(points_of({"a": {"values": [1, 2]}, "b": {"values": [1, 2]}}, 99)) == 4
    with pytest.raises(ValueError, match="alpha can be any number"):
        points_of(axes)
