"""How good a row is: measures over sessions, with bootstrap intervals over users, whose sessions go together."""

from collections.abc import Callable

import numpy as np

from ..ranking import Interval
from .candidates import Candidates, numbered
from .history import Flags, Floats

RESAMPLES = 1000
RESAMPLES_OF_ORDERS = 200
"""Fewer where each one looks at the order of all sessions."""


def reciprocal_ranks(table: Candidates, scores: Floats) -> Floats:
    """Return one over the place of the title that was resumed, in each session; a tie counts as the worse place."""
    session, resumed = numbered(table), table["played"].to_numpy(bool)
    own = np.full(int(session.max(initial=-1)) + 1, np.inf)
    own[session[resumed]] = scores[resumed]
    ahead = np.bincount(session, (scores >= own[session]) & ~resumed, len(own))
    ranks: Floats = 1 / (1 + ahead)
    return ranks


def log_losses(odds: Floats, happened: Flags) -> Floats:
    """Return the logarithmic loss of each session, in nats."""
    likely = np.clip(np.where(happened, odds, 1 - odds), 1e-6, None)
    losses: Floats = -np.log(likely)
    return losses


def auc(scores: Floats, happened: Flags, weights: Floats | None = None) -> float:
    """Return the area under the ROC curve: how often what happened scores above what did not; ties count half.

    >>> auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, True, False, True]))
    0.875
    """
    weights = np.ones(len(scores)) if weights is None else weights
    place = np.unique(scores, return_inverse=True)[1]
    yes, no = np.bincount(place, weights * happened), np.bincount(place, weights * ~happened)
    total = yes.sum() * no.sum()
    return float((yes * (no.cumsum() - no / 2)).sum() / total) if total else 0.5


def mean_over_users(values: Floats, users: np.ndarray[tuple[int], np.dtype[np.object_]], *, seed: int) -> Interval:
    """Return the mean over sessions with its interval over users."""

    def mean(weights: Floats) -> float:
        return float((weights * values).sum() / weights.sum())

    return interval_over_users(mean, users, seed=seed, resamples=RESAMPLES)


def interval_over_users(
    measure: Callable[[Floats], float],
    users: np.ndarray[tuple[int], np.dtype[np.object_]],
    *,
    seed: int,
    resamples: int = RESAMPLES_OF_ORDERS,
) -> Interval:
    """Return a measure of weighted sessions with its 95 % percentile bootstrap interval over users.

    measure: of the weights of the sessions, shape (sessions,).
    users: of each session; when a user is drawn, all of the user's sessions are.
    """
    random = np.random.default_rng(seed)
    names, user = np.unique(users, return_inverse=True)
    drawn = (np.bincount(random.integers(len(names), size=len(names)), minlength=len(names)) for _ in range(resamples))
    low, high = np.quantile([measure(counts[user].astype("f8")) for counts in drawn], [0.025, 0.975])
    return Interval(measure(np.ones(len(users))), float(low), float(high), len(names))
