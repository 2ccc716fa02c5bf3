"""What must hold of a model before it is gone on with, what was measured, and how it is told."""

import math
from dataclasses import dataclass
from typing import Literal

from .ranking import Interval

SETTINGS = {
    "width": "maximum_width",
    "difference": "maximum_difference",
    "overlap": "minimum_overlap",
    "lift": "minimum_lift",
    "regret": "maximum_regret",
    "champion": "maximum_champion_loss",
}
"""The setting of check_stability by the part of a check's name that says what is checked."""


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

    @property
    def setting(self) -> str:
        """The setting of check_stability that has the threshold."""
        kind, _, other = self.name.partition(".")
        return SETTINGS.get(kind) or SETTINGS[other]

    def __str__(self) -> str:
        return f"{self.name} = {self.value:.4f}, must be {self.rule} {self.threshold:g}: {self.means}"


@dataclass(frozen=True, slots=True)
class StabilityReport:
    """What was measured on the stability slice, and what it was held against."""

    attempt: int
    users: int
    als: Interval
    """nDCG@10 of ALS over the users of the slice."""
    chosen: Interval
    """nDCG@10 of the models that were chosen, each in its market."""
    checks: tuple[Check, ...]
    champion: str
    """Which published model this one was held against, or why none."""
    reason: str
    """Why it is stable or not, in one sentence."""


def width(name: str, interval: Interval, threshold: float) -> Check:
    """Hold the width of the interval of a mean over users against the threshold; no users have no width."""
    value = interval.width if interval.users else float("nan")
    return Check(f"{name}.width", value, "at most", threshold, f"width of the interval of {name} over users")


def difference(name: str, here: Interval, there: Interval, threshold: float) -> Check:
    """Hold the difference of two slices, less the half-width of its interval, against the threshold."""
    chance = math.hypot(here.width, there.width) / 2
    beyond = max(0.0, abs(here.mean - there.mean) - chance)
    means = f"{name} on the stability slice {here}, on the tuning slice {there}, beyond what chance explains"
    return Check(f"{name}.difference", beyond, "at most", threshold, means)


def lift(market: str, gain: Interval, threshold: float) -> Check:
    """Hold the lower end of what a market's model gains over popularity against the threshold."""
    return Check(f"lift.{market}", gain.low, "at least", threshold, f"gain over popularity in {market}: {gain}")


def regret(market: str, gain: Interval, threshold: float) -> Check:
    """Hold what a market's chosen model loses against the global one, on average, against the threshold."""
    means = f"what the chosen model gains over the global one in {market}: {gain}"
    return Check(f"regret.{market}", max(0.0, -gain.mean), "at most", threshold, means)


def disagreement(gain: Interval, threshold: float) -> Check:
    """Hold the difference between two attempts' towers that chance among users does not explain."""
    beyond = max(0.0, gain.low, -gain.high)
    means = f"what these towers gain over those of another seed {gain}, beyond what chance explains"
    return Check("attempts.difference", beyond, "at most", threshold, means)


def overlap(shared: Interval, threshold: float) -> Check:
    """Hold the share of the first 10 items that two attempts' towers both offer, on average, against the threshold."""
    value = shared.mean if shared.users else float("nan")
    means = f"share of the first 10 items that towers of another seed offer as well: {shared}"
    return Check("attempts.overlap", value, "at least", threshold, means)


def loss(name: str, version: str, gain: Interval, threshold: float) -> Check:
    """Hold what a model loses against the champion, on average, against the threshold."""
    means = f"what {name} gains over the champion {version}: {gain}"
    return Check(f"champion.{name}", max(0.0, -gain.mean), "at most", threshold, means)
