"""Small steps that the tests of the language build their workflows from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, NewType

from pydantic import BaseModel

from kaon.dsl import (
    Point,
    Resources,
    bootstrap,
    cross_validate,
    for_each,
    parallel,
    repeat,
    sequence,
    step,
    sweep,
    when,
    workflow,
)

__all__ = [
    "Any",
    "BaseModel",
    "Literal",
    "Mapping",
    "Model",
    "NamedTuple",
    "NewType",
    "Point",
    "Ratings",
    "Resources",
    "bootstrap",
    "check",
    "choose",
    "cross_validate",
    "evaluate",
    "find_markets",
    "fine_tune",
    "for_each",
    "load",
    "measure",
    "parallel",
    "publish",
    "repeat",
    "sequence",
    "step",
    "sweep",
    "train",
    "when",
    "workflow",
]

Ratings = NewType("Ratings", list[int])


@dataclass(frozen=True)
class Model:
    """A model of a few numbers."""

    rank: int
    seed: int = 0


@step(output="ratings")
def load(*, rows: int = 4) -> Ratings:
    return Ratings(list(range(rows)))


@step(output="model")
def train(ratings: Ratings, *, rank: int = 8) -> Model:
    return Model(rank * len(ratings))


@step(output="score")
def evaluate(model: Model, ratings: Ratings) -> float:
    return model.rank / len(ratings)


@step(output="markets")
def find_markets() -> list[str]:
    return ["US", "CA"]


@step(output="local_model")
def fine_tune(model: Model, market: str) -> Model:
    return Model(model.rank, seed=ord(market[0]))


@step(output="length")
def measure(market: str) -> int:
    return len(market)


@step(output="chosen")
def choose(local_model: Mapping[str, Model]) -> str:
    return max(local_model, key=lambda market: local_model[market].seed)


@step(output="stable")
def check(model: Model) -> bool:
    return model.rank > 8


@step
def publish(model: Model) -> None:
    print(model)
