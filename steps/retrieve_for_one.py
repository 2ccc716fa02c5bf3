"""Retrieval for one list, as a server is asked: the items that `retrieve` finds, without the cost of many lists."""

import numpy as np
import numpy.typing as npt

from .candidates import RETRIEVING
from .features import JACCARD_SHRINKAGE, Queries
from .neighbours import jaccard
from .one_history import summed_rows
from .sources import Rows, Sources, Vectors

Mask = npt.NDArray[np.bool_]


def retrieve_for_one(sources: Sources, asked: Queries, *, per_source: int) -> Rows:
    """Return the union of the best unseen items of every source, each once, in no order; shape (candidates,).

    asked: of one list; which items it names does not count.
    """
    market = int(asked.market[0])
    local = sources.by_market[market] if market >= 0 else sources.everywhere
    vectors, history = sources.vectors(), asked.history.indices
    refused = local.users == 0
    refused[history] = True
    scores: dict[str, Vectors] = {
        "market_jaccard": summed_rows(jaccard(local, JACCARD_SHRINKAGE), history),
        "market_popularity": local.log_users,
    }
    for name in RETRIEVING:
        if name in vectors:
            scores[name] = vectors[name].scores_of_met(asked.vectors[name][0], market, local.met_items)
    return np.unique(np.concatenate([_best(scores[name], refused, per_source) for name in RETRIEVING]))


def _best(scores: Vectors, refused: Mask, count: int) -> Rows:
    """Return the best items, fewer than `count` only where there are not so many.

    Of equal scores at the end those stay that `retrieve` keeps: the selection sees the same numbers in the same places.
    """
    worst = np.where(refused, np.float32(np.inf), -scores)
    found = np.argpartition(worst, min(count, len(worst)) - 1)[:count]
    return found[worst[found] < np.inf]
