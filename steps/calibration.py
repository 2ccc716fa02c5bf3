"""From the ranker's score to the probability of being the positive, and how far such probabilities can be believed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize

from .ranking import Floats

Mask = npt.NDArray[np.bool_]

RIDGE = 1e-6
"""Keeps the curve finite where a score separates the positives from all others."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic curve over scores (Platt 1999), for lists like those it was fitted on: one positive a list."""

    slope: float
    offset: float
    error: float
    """Expected calibration error on lists that it was not fitted on: the mean distance of probability and share."""

    def probability(self, scores: npt.NDArray[np.floating]) -> Floats:
        """Return the probability that a candidate with such a score is the positive of its list.

        >>> Calibration(slope=1.0, offset=0.0, error=0.0).probability(np.array([0.0])).tolist()
        [0.5]
        """
        return 1 / (1 + np.exp(-np.clip(self.slope * scores.astype("f8") + self.offset, -500, 500)))


def fitted(scores: npt.NDArray[np.floating], relevant: Mask) -> tuple[float, float]:
    """Return slope and offset of the logistic curve that makes what came of the candidates most likely.

    scores: shape (candidates,); relevant: whether each was the positive, shape (candidates,).
    """
    middle, spread = float(scores.mean()), max(float(scores.std()), 1e-9)
    inputs = (scores.astype("f8") - middle) / spread

    def loss(weights: Floats) -> tuple[float, Floats]:
        logits = weights[0] * inputs + weights[1]
        wrong = 1 / (1 + np.exp(-np.clip(logits, -500, 500))) - relevant
        unlikely = np.mean(np.logaddexp(0, logits) - relevant * logits) + RIDGE * weights @ weights
        return float(unlikely), np.array([np.mean(wrong * inputs), np.mean(wrong)]) + 2 * RIDGE * weights

    slope, offset = optimize.minimize(loss, np.zeros(2), jac=True, method="BFGS").x
    return float(slope / spread), float(offset - slope * middle / spread)


def reliability(probability: Floats, relevant: Mask, bins: int = BINS) -> pd.DataFrame:
    """Return a row per bin of probability: probability (mean), share (of positives), candidates; empty bins left out.

    Bins hold equally many positives' worth of probability, so that the few high ones are not lost among the many low.
    """
    order = np.argsort(probability, kind="stable")
    mass = np.cumsum(probability[order])
    number = np.minimum((bins * mass / max(mass[-1], 1e-12)).astype(int), bins - 1) if len(order) else order
    frame = pd.DataFrame({"bin": number, "probability": probability[order], "share": relevant[order].astype("f8")})
    grouped = frame.groupby("bin")
    return grouped.mean().assign(candidates=grouped.size()).reset_index(drop=True)


def expected_calibration_error(table: pd.DataFrame) -> float:
    """Return the mean distance of probability and share over the candidates of a table of `reliability`.

    >>> table = pd.DataFrame({"probability": [0.2, 0.8], "share": [0.1, 0.8], "candidates": [1, 1]})
    >>> round(expected_calibration_error(table), 3)
    0.05
    """
    distance = (table["probability"] - table["share"]).abs()
    return float((distance * table["candidates"]).sum() / max(1, table["candidates"].sum()))
