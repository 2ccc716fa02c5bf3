"""How well the factor model ranks, over all users and in each market."""

from typing import NamedTuple

import numpy as np

from kaon.artifacts import FactorModel, Metrics
from kaon.dsl import current_step, step

from .full_ranking import concatenated, questions, ranks_by_factors
from .interactions import Interactions
from .market_models import MarketScores
from .ranking import METRICS, bootstrap_interval, ndcg_at


class AlsQuality(NamedTuple):
    """How good it is on average, and for each user of each market."""

    als_metrics: Metrics
    als_scores: dict[str, MarketScores]


@step
def evaluate_als(
    als: FactorModel, train: Interactions, tuning: Interactions, *, k: int = 10, seed: int = 0
) -> AlsQuality:
    """Return the metrics of a factor model on the tuning slice by full ranking of each market's catalogue.

    `ndcg@10` and its like are means over all users, `ndcg@10.low` and `.high` the 95 % interval over users,
    `ndcg@10.<market>` the mean of one market, `users` how many users were judged, `users.cold` how many of them the
    model does not know: they count as zero.

    k: length of the list that is judged.
    seed: of the bootstrap.
    """
    asked = questions(train, tuning)
    ranks = [ranks_by_factors(one, als) for one in asked]
    everyone = concatenated(ranks)
    metrics = {f"{name}@{k}": float(np.mean(metric(k, everyone))) for name, metric in METRICS.items()}
    interval = bootstrap_interval(ndcg_at(k, everyone), seed=seed)
    metrics |= {f"ndcg@{k}.low": interval.low, f"ndcg@{k}.high": interval.high, "users": float(everyone.users)}
    metrics |= {
        f"ndcg@{k}.{one.market}": float(np.mean(ndcg_at(k, rank))) for one, rank in zip(asked, ranks, strict=True)
    }
    metrics["users.cold"] = float(sum(np.count_nonzero(~np.isin(one.user_ids, als.user_ids)) for one in asked))
    current_step().metrics(metrics)
    scores = {
        one.market: MarketScores(one.market, {"als": tuple(ndcg_at(k, rank).round(6).tolist())})
        for one, rank in zip(asked, ranks, strict=True)
    }
    return AlsQuality(Metrics(metrics), scores)
