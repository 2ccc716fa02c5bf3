"""The candidates of many moments as one table, and what models make of them: scores of titles, odds of a session."""

from collections.abc import Mapping
from typing import NewType

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost

from .history import Flags, Floats, Ints
from .resumable import CANDIDATE, SESSION, Resumable

Candidates = NewType("Candidates", pd.DataFrame)
"""One row a title that could be resumed at a moment, those of a moment together, the latest first.

Columns moment (int64, ascending), user_id, title_id, the features CANDIDATE and SESSION (float32), and where it is
known played (bool): whether the session that began at the moment played the title.
"""

RANKED = ("rank_score", "rank_lead", "rank_sum")
"""Of the titles of a moment: the best score, by how much it leads, and the logarithm of the sum of the exponentials."""
ODDS = (*SESSION, *(f"best_{name}" for name in CANDIDATE), *RANKED)
"""Features of a session: of the moment, of the title that ranks first, and of the scores."""

Vectors = npt.NDArray[np.float32]


def candidates(found: Resumable, moments: pd.DataFrame) -> Candidates:
    """Return what may be resumed as a table; `played` if the moments have the title_id that was played."""
    names = (*CANDIDATE, *SESSION)
    frame = pd.DataFrame(found.table(names), columns=list(names))
    frame.insert(0, "moment", found.moment)
    frame.insert(1, "user_id", moments["user_id"].to_numpy(object)[found.moment])
    frame.insert(2, "title_id", found.title_id)
    if "title_id" in moments:
        frame["played"] = found.title_id == moments["title_id"].to_numpy(object)[found.moment]
    return Candidates(frame)


def with_continuation(table: Candidates) -> Candidates:
    """Return the candidates of the sessions that resumed one of them."""
    return Candidates(table[table.groupby("moment")["played"].transform("any")])


def numbered(table: Candidates) -> Ints:
    """Return the number of the moment of each candidate, from 0 without gaps."""
    return np.unique(table["moment"], return_inverse=True)[1].astype(np.int64)


def rank_scores(ranker: xgboost.Booster, table: Candidates) -> Floats:
    """Return the score of each candidate, higher is better, shape (candidates,)."""
    return np.asarray(ranker.inplace_predict(_columns(table, (*CANDIDATE, *SESSION)), validate_features=False), "f8")


def odds_features(ranker: xgboost.Booster, table: Candidates) -> Vectors:
    """Return ODDS of each session that has candidates, shape (sessions, len(ODDS))."""
    scores, session = rank_scores(ranker, table), numbered(table)
    order = np.lexsort((-scores, session))
    firsts = np.flatnonzero(np.diff(session[order], prepend=-1))
    best = order[firsts]
    following = np.minimum(firsts + 1, len(order) - 1)
    alone = np.diff(np.append(firsts, len(order))) == 1
    lead = np.where(alone, np.nan, scores[best] - scores[order[following]])
    total = scores[best] + np.log(np.add.reduceat(np.exp(scores - scores[best][session])[order], firsts))
    ranked = np.stack([scores[best], lead, total], axis=1)
    row = table.iloc[best]
    return np.concatenate([_columns(row, SESSION), _columns(row, CANDIDATE), ranked], axis=1).astype(np.float32)


def odds_of(continuation: xgboost.Booster, ranker: xgboost.Booster, table: Candidates) -> Floats:
    """Return the odds, a probability, that each session that has candidates resumes one of them, shape (sessions,)."""
    return np.asarray(continuation.inplace_predict(odds_features(ranker, table), validate_features=False), "f8")


def continued(table: Candidates) -> Flags:
    """Return whether each session resumed one of its candidates, shape (sessions,)."""
    session = numbered(table)
    return np.bincount(session, table["played"], int(session.max(initial=-1)) + 1) > 0


def users_of(table: Candidates) -> npt.NDArray[np.object_]:
    """Return the user of each session, shape (sessions,)."""
    return table.loc[~table.duplicated("moment"), "user_id"].to_numpy(object)


def importance(model: xgboost.Booster, names: tuple[str, ...]) -> pd.DataFrame:
    """Return a row a feature, the one with most of the trees' gain first: feature, gain (share), splits."""
    gain: Mapping[str, float] = model.get_score(importance_type="total_gain")  # type: ignore[assignment]
    splits: Mapping[str, float] = model.get_score(importance_type="weight")  # type: ignore[assignment]
    total = sum(gain.values()) or 1.0
    rows = [(name, gain.get(name, 0.0) / total, int(splits.get(name, 0))) for name in names]
    frame = pd.DataFrame(rows, columns=["feature", "gain", "splits"])
    return frame.sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def _columns(table: pd.DataFrame, names: tuple[str, ...]) -> Vectors:
    return table[list(names)].to_numpy(np.float32)
