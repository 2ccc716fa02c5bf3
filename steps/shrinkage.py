"""What a market probably gains, given what its own users say and what other markets gain (Efron and Morris 1975).

Few users say little: what they say is drawn towards the mean of the other markets, by as much as their noise is larger
than what truly lies between markets (the random effects of DerSimonian and Laird 1986).
"""

from collections.abc import Sequence

import numpy as np

from .ranking import Floats

LEAST_NOISE = 1e-12
"""Users who all gain the same leave no noise to weigh by."""


def probable_gain(own: Floats, others: Sequence[Floats]) -> float:
    """Return the gain of one market, drawn towards those of some markets, which may include it.

    own: what each user of the market gains, shape (users,); none or one, and the others are believed alone.
    others: the same of markets with enough users to say what is usual; at least one, each of two users or more.

    >>> usual = [np.array([0.1, 0.3]), np.array([0.1, 0.3])]
    >>> round(probable_gain(np.array([]), usual), 6)
    0.2
    """
    gains = np.array([float(one.mean()) for one in others])
    noise = np.maximum([_noise(one) for one in others], LEAST_NOISE)
    between = _between(gains, noise)
    weight = 1 / (noise + between)
    usual = float(weight @ gains / weight.sum())
    if len(own) < 2:
        return usual
    doubt = _noise(own)
    return (between * float(own.mean()) + doubt * usual) / (between + doubt) if between + doubt > 0 else usual


def _noise(gain: Floats) -> float:
    """Return the variance of a mean over users."""
    return float(gain.var(ddof=1)) / len(gain)


def _between(gains: Floats, noise: Floats) -> float:
    """Return the variance between markets that the noise of their means does not explain."""
    weight = 1 / noise
    usual = weight @ gains / weight.sum()
    spare = weight.sum() - (weight**2).sum() / weight.sum()
    excess = weight @ (gains - usual) ** 2 - (len(gains) - 1)
    return float(max(0.0, excess / spare)) if spare > 0 else 0.0
