"""Whether the models of this attempt are good enough to go on with, judged on users who chose nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from kaon.artifacts import FactorModel
from kaon.dsl import current_step, step

from .full_ranking import Question, questions, ranks_by_factors, ranks_by_popularity, ranks_by_tower
from .interactions import Interactions
from .market_models import MarketChoices
from .ranking import Floats, Interval, bootstrap_interval, ndcg_at
from .two_tower import TwoTower

K = 10

Threshold = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold."""

    name: str
    value: float
    rule: Literal["at most", "at least"]
    threshold: float
    means: str

    @property
    def holds(self) -> bool:
        """Whether the value keeps to the rule; a value that is not a number never does."""
        return self.value <= self.threshold if self.rule == "at most" else self.value >= self.threshold

    def __str__(self) -> str:
        return f"{self.name} = {self.value:.4f}, must be {self.rule} {self.threshold:g}: {self.means}"


@dataclass(frozen=True, slots=True)
class StabilityReport:
    """What was measured on the stability slice, and what it was held against."""

    attempt: int
    users: int
    als: Interval
    """nDCG@10 of ALS over the users of the slice."""
    towers: Interval
    """nDCG@10 of the towers that were chosen, each in its market."""
    checks: tuple[Check, ...]
    reason: str
    """Why it is stable or not, in one sentence."""


class Stability(NamedTuple):
    """`stable` ends the repetition."""

    stable: bool
    stability_report: StabilityReport


@step
def check_stability(
    stability: Interactions,
    tuning: Interactions,
    train: Interactions,
    als: FactorModel,
    tower: TwoTower,
    local_tower: Mapping[str, TwoTower],
    fine_tuned_tower: Mapping[str, TwoTower],
    choices: MarketChoices,
    *,
    maximum_width: Threshold = 0.08,
    maximum_difference: Threshold = 0.02,
    maximum_regret: Threshold = 0.01,
    minimum_lift: Annotated[float, Field(ge=-1, le=1)] = 0.0,
    minimum_users: Annotated[int, Field(ge=1)] = 100,
    seed: int = 0,
    attempt: int = 1,
) -> Stability:
    """Return whether what this attempt trained and chose can be trusted, measured on users of a slice of their own.

    Four things must hold, all in nDCG@10 by full ranking:
    the 95 % interval of ALS and of the chosen towers is narrow enough to say anything;
    both are as good here as on the tuning slice, chance aside, so that choosing there did not overfit;
    in every market with enough users the chosen tower beats the market's popularity, the whole interval above it;
    in every market where a challenger was chosen it is not worse here than the global tower.

    maximum_width: widest interval of a mean over all users.
    maximum_difference: largest difference of this slice's mean from the tuning slice's that chance does not explain.
    maximum_regret: most that a chosen challenger may lose against the global tower, on average.
    minimum_lift: lower end of the interval of the gain over popularity.
    minimum_users: markets with fewer users in the slice are left out of the checks by market.
    seed: of the bootstrap.
    """

    def chosen(market: str) -> TwoTower:
        return choices.tower_for(market, tower, local_tower, fine_tuned_tower)

    here, there = questions(train, stability), questions(train, tuning)
    factor_scores, tower_scores = _by_factors(here, als), [_by_tower(one, chosen(one.market)) for one in here]
    als_interval = bootstrap_interval(_all(factor_scores), seed=seed)
    towers_interval = bootstrap_interval(_all(tower_scores), seed=seed)
    als_tuning = bootstrap_interval(_all(_by_factors(there, als)), seed=seed + 1)
    towers_tuning = bootstrap_interval(_all([_by_tower(one, chosen(one.market)) for one in there]), seed=seed + 1)
    checks = [
        _width("als", als_interval, maximum_width),
        _width("towers", towers_interval, maximum_width),
        _difference("als", als_interval, als_tuning, maximum_difference),
        _difference("towers", towers_interval, towers_tuning, maximum_difference),
    ]
    for one, scores in zip(here, tower_scores, strict=True):
        if len(scores) < minimum_users:
            continue
        lift = bootstrap_interval(scores - ndcg_at(K, ranks_by_popularity(one, train)), seed=seed)
        checks.append(_lift(one.market, lift, minimum_lift))
        if choices.model_for(one.market) != "global":
            gain = bootstrap_interval(scores - _by_tower(one, tower), seed=seed)
            checks.append(_regret(one.market, gain, maximum_regret))
    report = _report(attempt, als_interval, towers_interval, tuple(checks))
    current_step().metrics({check.name: check.value for check in checks})
    current_step().log(report.reason)
    return Stability(all(check.holds for check in checks), report)


def _by_factors(asked: tuple[Question, ...], als: FactorModel) -> list[Floats]:
    return [ndcg_at(K, ranks_by_factors(one, als)) for one in asked]


def _by_tower(asked: Question, tower: TwoTower) -> Floats:
    return ndcg_at(K, ranks_by_tower(asked, tower))


def _all(scores: list[Floats]) -> Floats:
    return np.concatenate([*scores, np.empty(0)])


def _width(name: str, interval: Interval, threshold: float) -> Check:
    width = interval.width if interval.users else float("nan")
    return Check(f"{name}.width", width, "at most", threshold, f"width of the interval of {name} over users")


def _difference(name: str, here: Interval, there: Interval, threshold: float) -> Check:
    """Hold the difference of two slices, less the half-width of its interval, against the threshold."""
    chance = math.hypot(here.width, there.width) / 2
    beyond = max(0.0, abs(here.mean - there.mean) - chance)
    means = f"{name} on the stability slice {here}, on the tuning slice {there}, beyond what chance explains"
    return Check(f"{name}.difference", beyond, "at most", threshold, means)


def _lift(market: str, lift: Interval, threshold: float) -> Check:
    return Check(f"lift.{market}", lift.low, "at least", threshold, f"gain over popularity in {market}: {lift}")


def _regret(market: str, gain: Interval, threshold: float) -> Check:
    means = f"what the chosen tower gains over the global one in {market}: {gain}"
    return Check(f"regret.{market}", max(0.0, -gain.mean), "at most", threshold, means)


def _report(attempt: int, als: Interval, towers: Interval, checks: tuple[Check, ...]) -> StabilityReport:
    failed = [str(check) for check in checks if not check.holds]
    reason = f"not stable: {'; '.join(failed)}" if failed else f"stable: all {len(checks)} checks hold"
    return StabilityReport(attempt, towers.users, als, towers, checks, reason)
