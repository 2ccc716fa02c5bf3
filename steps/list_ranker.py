"""The trained ranker at work: scores for candidates, and how good the order is."""

from collections.abc import Mapping

import numpy as np
import xgboost

from .candidates import Lists
from .features import SCORES, Queries, features, queries, source_scores
from .ranking import Floats, ndcg_at, ranks_of
from .sources import Rows, Sources, Vectors

LISTS_AT_ONCE = 2048
RANKER = "ranker"


def ranked_scores(ranker: xgboost.Booster, sources: Sources, asked: Queries) -> Vectors:
    """Return the scores of every candidate, higher is better, -inf where a list has ended; shape (lists, candidates).

    Known items are scored by the ranker where there is a history, and by popularity where there is none: in the market
    if it is known, else everywhere. An item that nobody met comes after all others.
    """
    return _scores(ranker, sources, asked, features(sources, asked))


def judged(ranker: xgboost.Booster, sources: Sources, lists: Lists) -> Mapping[str, Floats]:
    """Return the nDCG@10 of every list by the ranker and by each of its sources alone, each of shape (lists,)."""
    found: dict[str, list[Floats]] = {}
    for start in range(0, len(lists.users), LISTS_AT_ONCE):
        part = lists.part(np.arange(start, min(start + LISTS_AT_ONCE, len(lists.users))))
        asked = queries(sources, part.users, part.items, part.moment)
        table = features(sources, asked)
        for name in (RANKER, *SCORES):
            scores = _scores(ranker, sources, asked, table) if name == RANKER else source_scores(table, name)
            found.setdefault(name, []).append(list_ndcg(scores, part))
    return {name: np.concatenate(values) for name, values in found.items()}


def list_ndcg(scores: Vectors, lists: Lists) -> Floats:
    """Return the nDCG@10 of each list: scores (lists, candidates); a positive that is tied comes last."""
    user, item = np.nonzero(lists.relevant)
    return ndcg_at(10, ranks_of(np.where(lists.items >= 0, scores, -np.inf), user, item))


def _scores(ranker: xgboost.Booster, sources: Sources, asked: Queries, table: Vectors) -> Vectors:
    scores = _predicted(ranker, asked.items, table)
    empty = np.diff(asked.history.indptr) == 0
    scores[empty] = source_scores(table, "market_popularity")[empty]
    unmet = sources.everywhere.users[np.maximum(asked.items, 0)] == 0
    lowest = scores.min(axis=1, keepdims=True, initial=0.0) - 1.0
    return np.where(asked.items < 0, -np.inf, np.where(unmet, lowest, scores)).astype("f4")


def _predicted(ranker: xgboost.Booster, items: Rows, table: Vectors) -> Vectors:
    """Return what the ranker says, shape (lists, candidates), the same of all unknown items of a list.

    Their features are equal, so that one of them is asked for all: the union of what sources find has many repeats.
    """
    scores = np.zeros(items.shape, "f4")
    if not items.size:
        return scores
    asked = items >= 0
    rows, first = np.arange(len(items)), asked.argmin(axis=1)
    asked[rows, first] = True
    scores[asked] = ranker.inplace_predict(table[asked], validate_features=False)
    return np.where(asked, scores, scores[rows, first][:, None])
