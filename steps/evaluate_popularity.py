"""How well popularity alone ranks, over all users and in each market."""

import numpy as np
import pandas as pd

from kaon.artifacts import Metrics
from kaon.dsl import current_step, step

from .full_ranking import Question, questions
from .interactions import Interactions
from .ranking import Ranks
from .source_metrics import source_metrics


@step(output="popularity_metrics")
def evaluate_popularity(
    popularity: pd.DataFrame, train: Interactions, tuning: Interactions, *, k: int = 10, seed: int = 0
) -> Metrics:
    """Return the metrics of `source_metrics` for offering everyone what most users of the market met.

    k: length of the list that is judged.
    seed: of the bootstrap.
    """
    asked = questions(train, tuning)
    metrics = source_metrics(asked, [_ranks(one, popularity) for one in asked], k=k, seed=seed)
    current_step().metrics(metrics)
    return metrics


def _ranks(asked: Question, popularity: pd.DataFrame) -> Ranks:
    mine = popularity[popularity["market"] == asked.market].set_index("item_id")["users"]
    users = mine.reindex(asked.catalogue).to_numpy("f4")[:, None]  # (items, 1)
    return asked.ranks(np.ones((len(asked.user_ids), 1), "f4"), users)
