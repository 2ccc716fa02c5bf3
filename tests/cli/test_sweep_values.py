"""The values of `kaon sweep`: what fixes a setting, what sweeps it, and what is told of mistakes."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from kaon.cli.refusals import CallError
from kaon.cli.sweep_points import points_in
from kaon.cli.sweep_values import parse_given
from kaon.dsl.sampling import Axis, Choice, Range


class Train(BaseModel):
    rank: Annotated[int, Field(gt=0)] = 8
    alpha: Annotated[float, Field(ge=0)] = 1.0
    engine: Literal["spark", "implicit"] = "spark"
    name: str = ""
    fast: bool = False
    limit: int | None = None
    markets: list[str] = []
    sizes: tuple[int, ...] = ()
    weights: dict[str, float] = {}


class Settings(BaseModel):
    seed: int = 0
    train: Train = Field(default_factory=Train)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("train.rank=64", 64),
        ("train.alpha=5", 5.0),
        ("train.name=a b", "a b"),
        ("train.name=1..40", "1..40"),
        ("train.fast=true", True),
        ("train.limit=null", None),
        ("train.markets=ca,us", ["ca", "us"]),
        ('train.markets=["ca", "us"]', ["ca", "us"]),
        ("train.sizes=[64,32]", [64, 32]),
        ('train.weights={"ca": 1, "us": 2}', {"ca": 1.0, "us": 2.0}),
        ("seed=3", 3),
    ],
)
def test_one_value_fixes_a_setting(argument: str, value: object) -> None:
    given = parse_given(Settings, [argument])

    assert not given.problems
    assert list(given.fixed.values()) == [value]


@pytest.mark.parametrize(
    ("argument", "axis"),
    [
        ("train.rank=32,64,128", Choice((32, 64, 128))),
        ("train.engine=spark, implicit", Choice(("spark", "implicit"))),
        ("train.fast=true,false", Choice((True, False))),
        ("train.limit=null,3", Choice((None, 3))),
        ("train.name=a,b", Choice(("a", "b"))),
        ('train.name="a,b","c"', Choice(("a,b", "c"))),
        ("train.rank=8..128", Range(8, 128, integer=True)),
        ("train.rank=8..128:log:3", Range(8, 128, log=True, integer=True, steps=3)),
        ("train.alpha=1..40:5", Range(1.0, 40.0, steps=5)),
        ("train.alpha=.5..4e1:5:log", Range(0.5, 40.0, log=True, steps=5)),
        ("seed=-3..3", Range(-3, 3, integer=True)),
        ("train.limit=1..9", Range(1, 9, integer=True)),
        ("train.markets=ca,us;ca", Choice((["ca", "us"], ["ca"]))),
        ("train.sizes=[64];[64,32]", Choice(([64], [64, 32]))),
    ],
)
def test_a_list_or_a_range_sweeps_it(argument: str, axis: Axis) -> None:
    given = parse_given(Settings, [argument])

    assert not given.problems
    assert list(given.axes.values()) == [axis]


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("train.rank=0,8", "train.rank='0' does not fit\n\n  why: input should be greater than 0"),
        ("train.rank=8,many", "train.rank='many' does not fit"),
        ("train.rank=8,8", "train.rank has the value 8 twice"),
        ("train.rank=0..8", "train.rank=0..8: 0 does not fit\n\n  why: input should be greater than 0"),
        ("train.rank=1..8.5", "train.rank=1..8.5 does not fit\n\n  why: train.rank is a whole number"),
        ("train.alpha=40..1", "train.alpha=40..1 is no range"),
        ("train.alpha=0..1:log", "train.alpha=0..1:log cannot be logarithmic\n\n  why: its numbers must be above 0"),
        ("train.alpha=0..1:lin:5", "train.alpha=0..1:lin:5: 'lin' says nothing"),
        ("train.alpha=0..1:1", "train.alpha=0..1:1: '1' says nothing"),
        ("train.engine=spark,dask", "train.engine='dask' does not fit\n\n  why: input should be 'spark' or 'implicit'"),
        ("train.rank", "'train.rank' is not of the form name=value"),
    ],
)
def test_what_does_not_fit_is_told(argument: str, told: str) -> None:
    (problem,) = parse_given(Settings, [argument]).problems

    assert told in str(problem)
    assert "fix: " in str(problem)


def test_all_problems_are_told_at_once() -> None:
    given = parse_given(Settings, ["train.rank=0,8", "train.alpha=2..1", "seed=1", "seed=2"])

    assert len(given.problems) == 3


def test_points_are_read_from_csv_and_json(tmp_path: Path) -> None:
    csv, json = tmp_path / "points.csv", tmp_path / "points.json"
    csv.write_text("train.rank,train.engine\n8,spark\n16,implicit\n", encoding="utf-8")
    json.write_text('[{"train.rank": 8, "train.markets": ["ca"]}, {"train.rank": 16, "train.markets": []}]')

    assert points_in(csv, Settings) == (("train.rank", "train.engine"), ((8, "spark"), (16, "implicit")), [])
    assert points_in(json, Settings)[1] == ((8, ["ca"]), (16, []))


def test_points_that_do_not_fit_are_all_told(tmp_path: Path) -> None:
    csv = tmp_path / "points.csv"
    csv.write_text("train.rank,train.alpha\n8,1\n0,1\n8\n8,1\n")
    problems = [str(problem) for problem in points_in(csv, Settings)[2]]

    assert "train.rank='0' does not fit (line 3 of" in problems[0]
    assert "line 4 of" in problems[1] and "is not complete" in problems[1]
    assert "line 5 of" in problems[2] and "stands there twice" in problems[2]


def test_a_column_that_is_no_setting_is_told(tmp_path: Path) -> None:
    csv = tmp_path / "points.csv"
    csv.write_text("train.rnk\n8\n")

    assert "did you mean 'train.rank'?" in str(points_in(csv, Settings)[2][0]) or "train.rnk" in str(
        points_in(csv, Settings)[2][0]
    )


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("points.csv", "", "has no points"),
        ("points.json", "[]", "has no points"),
        ("points.json", "{", "is no JSON"),
        ("points.json", '{"train.rank": 8}', "is no list of points"),
    ],
)
def test_a_file_without_points_is_refused(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(CallError, match=told):
        points_in(tmp_path / name, Settings)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="cannot be read"):
        points_in(tmp_path / "points.csv", Settings)
