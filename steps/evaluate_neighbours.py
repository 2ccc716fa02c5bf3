"""How well item-item neighbours alone rank, over all users and in each market."""

import numpy as np
import pandas as pd
from scipy import sparse

from kaon.artifacts import Metrics
from kaon.dsl import Resources, current_step, step

from .full_ranking import Question, questions
from .interactions import Interactions, positions
from .ranking import Ranks, ranks_of
from .source_metrics import source_metrics

USERS_AT_ONCE = 1024


@step(output="neighbour_metrics", resources=Resources(cpus=1, memory="1GiB"))
def evaluate_neighbours(
    neighbours: pd.DataFrame, train: Interactions, tuning: Interactions, *, k: int = 10, seed: int = 0
) -> Metrics:
    """Return the metrics of `source_metrics` for ranking items by their summed scores as neighbours of the history.

    k: length of the list that is judged.
    seed: of the bootstrap.
    """
    asked = questions(train, tuning)
    metrics = source_metrics(asked, [_ranks(one, neighbours) for one in asked], k=k, seed=seed)
    current_step().metrics(metrics)
    return metrics


def _ranks(asked: Question, neighbours: pd.DataFrame) -> Ranks:
    mine = neighbours[neighbours["market"] == asked.market]
    at = (positions(mine["item_id"], asked.catalogue), positions(mine["neighbour_id"], asked.catalogue))
    items = len(asked.catalogue)
    scores = sparse.csr_matrix((mine["score"].to_numpy("f4"), at), shape=(items, items))
    order = np.argsort(asked.user, kind="stable")
    rank = np.zeros(len(asked.user), dtype=np.int64)
    for start in range(0, len(asked.user_ids), USERS_AT_ONCE):
        seen = asked.seen[start : start + USERS_AT_ONCE]
        low, high = np.searchsorted(asked.user[order], (start, start + seen.shape[0]))
        summed = (seen.astype("f4") @ scores).toarray()  # (users, items)
        summed[seen.nonzero()] = -np.inf
        own = order[low:high]
        rank[own] = ranks_of(summed, asked.user[own] - start, asked.item[own]).rank
    return Ranks(asked.user, rank, len(asked.user_ids))
