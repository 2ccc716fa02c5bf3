"""Small workflows whose runs the pages are tested on; a researcher would write them like this."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from kaon import current_step, for_each, repeat, step, sweep, when, workflow
from kaon.artifacts import Html, Metrics, Text
from kaon.dsl import Point


class Parts(NamedTuple):
    train: list[float]
    test: list[float]


class Trained(NamedTuple):
    model: dict[str, float]
    metrics: Metrics


@step(output="numbers")
def load(*, rows: int = 40) -> list[float]:
    """Make numbers to learn from."""
    print(f"loaded {rows} rows")
    return [float(n % 7) for n in range(rows)]


@step
def split(numbers: list[float], *, share: float = 0.8) -> Parts:
    """Cut the numbers in two."""
    at = int(len(numbers) * share)
    return Parts(numbers[:at], numbers[at:])


@step
def train(train: list[float], *, rank: int = 8, rate: float = 0.1, epochs: int = 5, slow: float = 0.0) -> Trained:
    """Train a model, and tell how it goes."""
    for epoch in range(1, epochs + 1):
        time.sleep(slow)
        loss = 1.0 / (epoch * rank) + rate
        current_step().metrics({"loss": loss}, at=epoch)
        current_step().progress(epoch / epochs, f"epoch {epoch} of {epochs}")
        print(f"epoch {epoch}: loss {loss:.4f}")
    return Trained({"mean": sum(train) / len(train)}, {"loss": loss, "ndcg": 1 - loss / 2})


@step(output="popular")
def count_popular(train: list[float]) -> dict[str, int]:
    """Count what is most popular."""
    return {str(n): train.count(n) for n in sorted(set(train))}


@step(output="fit")
def fit_market(market: str, model: dict[str, float], *, bad_market: str = "") -> float:
    """Fit the model to one market."""
    print(f"fitting {market}")
    if market == bad_market:
        raise ValueError(f"market {market!r} has no rows")
    return model["mean"] + len(market)


@step(output="report")
def report(popular: dict[str, int], metrics: Metrics) -> Text:
    """Write what came out."""
    return Text(f"{len(popular)} items, loss {metrics['loss']:.3f}")


@step(output="page")
def page(report: Text) -> Html:
    """Write a page that would run a script where it is not kept from it."""
    return Html(f"<h1>{report}</h1><script>parent.document.title = 'broken out'</script>")


@step(output="markets")
def choose_markets(*, markets: int = 6) -> list[str]:
    """Name the markets."""
    return [f"market {n}" for n in range(1, markets + 1)]


learning = workflow(
    "learning",
    load
    >> split
    >> choose_markets
    >> [train >> for_each(market="markets").do(fit_market), count_popular]
    >> report
    >> page,
    doc="Learn from numbers, market by market.",
    report=("metrics", "report"),
)


@step(output="score")
def score(x: float, y: float = 0.0, *, fails_above: float = 99.0) -> Metrics:
    """Score one point."""
    if x > fails_above:
        raise ValueError(f"x is {x}, which is too much\nand the reason has a second line")
    print(f"scored {x}, {y}")
    return {"value": -((x - 3) ** 2) - (y - 1) ** 2}


@step(output="best")
def choose(score: Mapping[Point, Metrics]) -> float:
    """Choose the best point."""
    return max(one["value"] for one in score.values())


searching = workflow(
    "searching",
    sweep(x=[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], y=[0.0, 1.0]).do(score, on_failure="continue") >> choose,
    doc="Search for the best x and y.",
)


class Checked(NamedTuple):
    stable: bool
    quality: float


@step
def attempt_it(attempt: int, *, stable_at: int = 2) -> Checked:
    """Try, and say whether it is stable."""
    return Checked(attempt >= stable_at, attempt / 10)


@step(output="good")
def is_good(quality: float, *, bar: float = 0.1) -> bool:
    """Say whether it is good enough."""
    return quality >= bar


@step(output="notice")
def announce(quality: float) -> str:
    """Announce it."""
    return f"quality {quality}"


@step(output="notice")
def keep_quiet() -> str:
    """Say nothing."""
    return "not good enough"


deciding = workflow(
    "deciding",
    repeat(until="stable", at_most=3).do(attempt_it) >> is_good >> when("good").do(announce).otherwise(keep_quiet),
    doc="Repeat until stable, then decide.",
)
