"""The points of a sweep: every combination, drawn at random, proposed by TPE."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaon.dsl.sampling import Choice, Range, Space, TpeSampler, grid, measured, random_points

SMALL = Space((("rank", Range(1, 4, integer=True)), ("engine", Choice(("spark", "implicit", None)))))
ENDLESS = Space(
    (("alpha", Range(0.01, 100, log=True)), ("dropout", Range(0, 0.5)), ("rank", Range(8, 128, integer=True)))
)

numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 3))
ranges = st.builds(
    lambda low, width, integer, steps: (
        Range(int(low), int(low) + int(width) + 1, integer=True, steps=steps)
        if integer
        else Range(low, low + width, steps=steps)
    ),
    numbers,
    st.floats(0.5, 1000).map(lambda number: round(number, 3)),
    st.booleans(),
    st.none() | st.integers(2, 9),
)
logs = st.builds(
    lambda low, factor, steps: Range(low, low * factor, log=True, steps=steps),
    st.floats(1e-6, 1e3),
    st.floats(1.5, 1e4),
    st.none() | st.integers(2, 9),
)
choices = st.lists(st.integers() | st.text(max_size=3), min_size=1, max_size=4, unique_by=repr).map(
    lambda values: Choice(tuple(values))
)
spaces = st.lists(ranges | logs | choices, min_size=1, max_size=3).map(
    lambda axes: Space(tuple((f"x{place}", axis) for place, axis in enumerate(axes)))
)


def inside(axis: Choice | Range, value: object) -> bool:
    if isinstance(axis, Choice):
        return value in axis.values
    assert isinstance(value, int | float)
    return axis.low <= value <= axis.high and (not axis.integer or isinstance(value, int))


def test_a_grid_has_every_combination_the_last_axis_fastest() -> None:
    points = grid(SMALL)

    assert len(points) == SMALL.size == 12
    assert points[:4] == ((1, "spark"), (1, "implicit"), (1, None), (2, "spark"))


def test_steps_of_a_logarithmic_range_are_each_the_same_multiple_of_the_one_before() -> None:
    assert Range(1, 16, log=True, steps=5).listed == (1.0, 2.0, 4.0, 8.0, 16.0)
    assert Range(1, 100, log=True, integer=True, steps=3).listed == (1, 10, 100)


def test_steps_of_whole_numbers_do_not_repeat_one() -> None:
    assert Range(1, 3, integer=True, steps=9).listed == (1, 2, 3)


def test_a_grid_refuses_a_range_that_has_no_end_of_values() -> None:
    with pytest.raises(ValueError, match="alpha, dropout can be any number"):
        grid(ENDLESS)


def test_a_range_of_very_many_whole_numbers_is_drawn_from_and_not_listed() -> None:
    space = Space((("seed", Range(0, 10**12, integer=True)),))

    assert space.size is None
    assert len(random_points(space, 5, 0)) == 5


@given(spaces, st.integers(1, 30), st.integers(0, 5))
def test_random_points_are_distinct_inside_and_the_same_for_a_seed(space: Space, n: int, seed: int) -> None:
    points = random_points(space, n, seed)

    assert points == random_points(space, n, seed)
    assert len({repr(point) for point in points}) == len(points)
    assert len(points) == (n if space.size is None else min(n, space.size))
    for point in points:
        assert all(inside(axis, value) for (_, axis), value in zip(space.axes, point, strict=True))


def test_a_logarithmic_range_is_drawn_evenly_over_its_decades() -> None:
    points = random_points(Space((("alpha", Range(0.01, 100, log=True)),)), 400, 1)
    below = sum(alpha < 1 for (alpha,) in points)

    assert 160 < below < 240


@given(spaces)
def test_a_space_reads_back_from_json(space: Space) -> None:
    assert Space.from_json(space.to_json()) == space


def search(space: Space, seed: int, rounds: int = 12, batch: int = 3) -> list[Mapping[str, object]]:
    """Search for alpha near 1 and a small dropout; points with rank above 120 fail."""
    sampler = TpeSampler(space, seed, "minimize")
    told: list[Mapping[str, object]] = []
    for _ in range(rounds):
        for point in sampler.ask(batch):
            told.append(point)
            loss = abs(math.log(point["alpha"])) + point["dropout"]
            sampler.tell(point, None if point["rank"] > 120 else loss)
    return told


def test_tpe_gives_the_same_points_for_the_same_seed_and_answers() -> None:
    assert search(ENDLESS, 3) == search(ENDLESS, 3)
    assert search(ENDLESS, 3) != search(ENDLESS, 4)


def test_tpe_comes_nearer_to_the_best_than_its_first_points() -> None:
    distances = [abs(math.log(float(str(point["alpha"])))) for point in search(ENDLESS, 0, rounds=20)]

    assert sum(distances[-15:]) / 15 < sum(distances[:10]) / 10


def test_tpe_proposes_no_point_twice_and_ends_with_the_space() -> None:
    sampler, asked = TpeSampler(SMALL, 0, "maximize"), []
    while points := sampler.ask(5):
        asked += points
        for point in points:
            sampler.tell(point, float(point["rank"]))

    assert len(asked) == 12
    assert len({repr(point) for point in asked}) == 12


def test_tpe_takes_an_answer_that_is_no_number_for_a_failure() -> None:
    sampler = TpeSampler(SMALL, 0, "maximize")
    (point,) = sampler.ask(1)
    sampler.tell(point, math.nan)

    assert len(sampler.ask(3)) == 3


def test_what_a_search_goes_by_is_a_metric_a_number_or_their_mean_over_a_loop() -> None:
    assert measured({"ndcg@10": 0.25}, "ndcg@10") == 0.25
    assert measured(0.5, "") == 0.5
    assert measured({"ca": {"loss": 1.0}, "us": {"loss": 2.0}}, "loss") == 1.5
    assert measured({0: 1.0, 1: 3.0}, "") == 2.0


def test_a_metric_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="there is no metric 'ndcg'; there are: ndcg@10, users"):
        measured({"ndcg@10": 0.25, "users": 3.0}, "ndcg")
