"""How well a candidate fits, between 0 and 1: what the ranker says, and with little history what most like."""

import numpy as np

from ..ranking import Floats, Rows
from ..sources import Sources, Vectors
from .candidate_facts import candidate_users
from .visitors import Visitors


def blended(sources: Sources, visitors: Visitors, found: Rows, scores: Vectors, prior: float) -> Floats:
    """Return relevance between 0 and 1: the ranker's, and the market's popularity as far as it weighs."""
    own = unit_scores(scores.astype("f8"))
    if not prior:
        return own
    known = np.where(visitors.user >= 0, np.diff(sources.seen.indptr)[visitors.user], np.diff(visitors.titles.indptr))
    weight = (prior / (prior + known))[:, None]  # (visitors, 1)
    popularity = np.where(found >= 0, np.log1p(candidate_users(sources, visitors.market, found)), -np.inf)
    return np.where(found >= 0, (1 - weight) * own + weight * unit_scores(popularity), -np.inf)


def unit_scores(scores: Floats) -> Floats:
    """Return the scores of each list moved to between 0 and 1, -inf as it is; a list of equal scores is all zeros."""
    listed = scores > -np.inf
    low = np.where(listed, scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    span = np.where(listed, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf) - low
    above = np.where(listed, scores - np.where(np.isfinite(low), low, 0.0), 0.0)
    unit = np.divide(above, span, out=np.zeros_like(scores), where=listed & (span > 0))
    return np.where(listed, unit, -np.inf)
