"""The continue-watching row as it is served: which titles in which order, and where it stands on the page."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xgboost

from .candidates import candidates, numbered, odds_of, rank_scores
from .history import Floats, History, Ints
from .resumable import resumable
from .sessions import Sessions


@dataclass(frozen=True, slots=True)
class Row:
    """What a user may resume, and where that is shown."""

    user_id: str
    title_ids: tuple[str, ...]
    """Best first; none if there is nothing to resume."""
    odds: float
    """Of a continuation; 0 if there is nothing to resume."""
    position: int
    """Of the row on the page, from 1; 0 if there is nothing to resume."""


def rows(
    sessions: Sessions,
    moments: pd.DataFrame,
    ranker: xgboost.Booster,
    continuation: xgboost.Booster,
    *,
    thresholds: Sequence[float],
    finished: float,
    at_most: int,
    days: int,
) -> list[Row]:
    """Return the row of each moment (user_id, time, device), through the feature code that the models learnt with.

    sessions: all that are known; what is later than a moment is not looked at.
    thresholds: as in `positions`.
    finished, at_most, days: as in `find_resumable`.
    """
    history = History.of(sessions, finished=finished)
    table = candidates(
        resumable(history, moments, finished=finished, at_most=at_most, days=days),
        moments[["user_id", "time", "device"]],
    )
    made = [Row(str(user), (), 0.0, 0) for user in moments["user_id"]]
    if table.empty:
        return made
    odds = odds_of(continuation, ranker, table)
    order = np.lexsort((-rank_scores(ranker, table), numbered(table)))
    ranked = table.iloc[order].groupby("moment")["title_id"].agg(tuple)
    for number, titles, likely, place in zip(ranked.index, ranked, odds, positions(odds, thresholds), strict=True):
        made[number] = Row(made[number].user_id, titles, float(likely), int(place))
    return made


def positions(odds: Floats, thresholds: Sequence[float]) -> Ints:
    """Return where on the page the row stands: first from the first threshold on, one lower for each missed.

    >>> positions(np.array([0.9, 0.5, 0.1]), (0.6, 0.4)).tolist()
    [1, 2, 3]
    """
    places: Ints = 1 + (odds[:, None] < np.asarray(thresholds)).sum(1)
    return places
