"""The points of a sweep: every combination, points drawn at random, or points proposed from what was found so far."""

import math
import random
from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Any, Literal, Protocol, TypeAlias

from .spaces import Axis, Choice, Json, Range, Space, rounded

__all__ = ["Choice", "Direction", "Range", "Space", "TpeSampler", "grid", "measured", "random_points", "sampler_of"]

Point: TypeAlias = tuple[Json, ...]
"""A value for each axis, in their order."""
TRIES = 100
"""How often a point is drawn again, in a range so narrow that it has few numbers."""
SMALL = 100_000
"""Points of a space that are shuffled as a whole."""
Direction: TypeAlias = Literal["maximize", "minimize"]


def grid(space: Space) -> tuple[Point, ...]:
    """Return every combination of values, the last axis fastest.

    Raises ValueError if an axis has no end of values.
    """
    listed = [(name, axis.listed) for name, axis in space.axes]
    endless = [name for name, values in listed if values is None]
    if endless:
        raise ValueError(f"{', '.join(endless)} can be any number of a range")
    return tuple(product(*(values or () for _, values in listed)))


def random_points(space: Space, n: int, seed: int) -> tuple[Point, ...]:
    """Return n different points drawn at random, fewer if the space has no more: each axis on its own scale."""
    drawn = random.Random(seed)
    size = space.size
    if size is not None and size <= n:
        return grid(space)
    if size is not None:
        return tuple(_numbered(space, number) for number in drawn.sample(range(size), n))
    found: dict[str, Point] = {}
    for _ in range(TRIES * n):
        point = tuple(axis.at(drawn.random()) for _, axis in space.axes)
        found[repr(point)] = point
        if len(found) == n:
            break
    return tuple(found.values())


def _numbered(space: Space, number: int) -> Point:
    """Return the point that stands at a place of the grid."""
    values = []
    for _, axis in reversed(space.axes):
        listed = axis.listed or ()
        number, place = divmod(number, len(listed))
        values.append(listed[place])
    return tuple(reversed(values))


class TpeSampler:
    """Proposes points where good ones are likely, by Optuna's tree-structured Parzen estimator.

    The same seed and the same answers give the same points. No point is proposed twice.
    """

    def __init__(self, space: Space, seed: int, direction: Direction) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        self._distributions = {name: _distribution(axis) for name, axis in space.axes}
        self._study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed), direction=direction)
        self._trials: dict[str, Any] = {}
        self._spare = _shuffled(space, seed)

    def ask(self, n: int) -> list[dict[str, Json]]:
        """Return n points to try next; fewer, or none, when all there are have been proposed."""
        points: list[dict[str, Json]] = []
        while len(points) < n:
            point = self._proposed() or self._unseen()
            if point is None:
                break
            points.append(point)
        return points

    def tell(self, point: Mapping[str, Json], value: float | None) -> None:
        """Note what a point came to; None, or no number, if it failed."""
        import optuna

        trial = self._trials[_key(point)]
        if value is None or math.isnan(value):
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial, value)

    def _proposed(self) -> dict[str, Json] | None:
        """Return what Optuna proposes, if it is new within a few tries."""
        import optuna

        for _ in range(10):
            trial = self._study.ask(self._distributions)
            point = {name: _value(axis, trial.params[name]) for name, axis in self._space.axes}
            if _key(point) not in self._trials:
                self._trials[_key(point)] = trial
                return point
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return None

    def _unseen(self) -> dict[str, Json] | None:
        """Return a point drawn at random that was not proposed yet, if there is one."""
        for values in islice(self._spare, None if (self._space.size or math.inf) <= SMALL else TRIES):
            point = dict(zip(self._space.names, values, strict=True))
            if _key(point) not in self._trials:
                given = {name: _param(axis, point[name]) for name, axis in self._space.axes}
                self._study.enqueue_trial(given)
                self._trials[_key(point)] = self._study.ask(self._distributions)
                return point
        return None


class Search(Protocol):
    """What says how points are proposed: `Proposed` of a plan."""

    @property
    def space(self) -> Json:
        """The space, as JSON."""
        ...

    @property
    def direction(self) -> Direction:
        """Whether more or less is better."""
        ...

    @property
    def seed(self) -> int:
        """Of the sampler's choices."""
        ...


def sampler_of(search: Search) -> TpeSampler:
    """Return the sampler of a plan's search, at its beginning."""
    return TpeSampler(Space.from_json(search.space), search.seed, search.direction)


def measured(value: object, metric: str) -> float:
    """Return the number that a search goes by: a metric, or a plain number; over the items of a loop, their mean.

    Raises ValueError, with the names that there are, if the metric is not among them.

    >>> measured({"ndcg@10": 0.25}, "ndcg@10"), measured({"ca": {"loss": 1.0}, "us": {"loss": 2.0}}, "loss")
    (0.25, 1.5)
    """
    if isinstance(value, Mapping) and value and isinstance(next(iter(value.values())), Mapping):
        return sum(measured(inner, metric) for inner in value.values()) / len(value)
    if isinstance(value, Mapping) and metric:
        if metric not in value:
            raise ValueError(f"there is no metric {metric!r}; there are: {', '.join(map(str, value)) or 'none'}")
        return float(value[metric])
    if isinstance(value, Mapping) and value:
        return sum(measured(inner, metric) for inner in value.values()) / len(value)
    if isinstance(value, int | float) and not metric:
        return float(value)
    raise ValueError(f"{str(value)[:60]!r} has no metric {metric!r}" if metric else f"{str(value)[:60]!r} is no number")


def _shuffled(space: Space, seed: int) -> Iterator[Point]:
    """Yield points in random order: all of a small space, else without end."""
    drawn, size = random.Random(seed), space.size
    if size is not None and size <= SMALL:
        for number in drawn.sample(range(size), size):
            yield _numbered(space, number)
        return
    while True:
        yield tuple(axis.at(drawn.random()) for _, axis in space.axes)


def _distribution(axis: Axis) -> Any:
    """Return the axis as Optuna knows it: listed values by their place, in order where they are numbers of a range."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    match axis:
        case Choice(values):
            return CategoricalDistribution(tuple(range(len(values))))
        case Range(steps=int()):
            return IntDistribution(0, len(axis.listed or ()) - 1)
        case Range(low, high, log, integer=True):
            return IntDistribution(int(low), int(high), log=log)
        case Range(low, high, log):
            return FloatDistribution(low, high, log=log)


def _value(axis: Axis, param: Any) -> Json:
    match axis:
        case Choice(values):
            return values[param]
        case Range(steps=int()):
            return (axis.listed or ())[param]
        case Range(integer=True):
            return int(param)
        case Range(low, high):
            return rounded(param, low, high)


def _param(axis: Axis, value: Json) -> Any:
    placed = isinstance(axis, Choice) or axis.steps is not None
    return (axis.listed or ()).index(value) if placed else value


def _key(point: Mapping[str, Json]) -> str:
    return repr(sorted(point.items()))
