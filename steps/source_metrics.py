"""What is reported of a source of candidates that is judged alone, by full ranking."""

from collections.abc import Sequence

import numpy as np

from kaon.artifacts import Metrics

from .full_ranking import Question, concatenated
from .ranking import METRICS, Ranks, bootstrap_interval, ndcg_at


def source_metrics(asked: Sequence[Question], ranks: Sequence[Ranks], *, k: int, seed: int) -> Metrics:
    """Return the metrics of one source: a group of ranks per market's question.

    `ndcg@10` and its like are means over all users, `ndcg@10.low` and `.high` the 95 % interval over users,
    `ndcg@10.<market>` the mean of one market, `users` how many users were judged.

    k: length of the list that is judged.
    seed: of the bootstrap.
    """
    everyone = concatenated(ranks)
    interval = bootstrap_interval(ndcg_at(k, everyone), seed=seed)
    metrics = {f"{name}@{k}": float(np.mean(metric(k, everyone))) for name, metric in METRICS.items()}
    metrics |= {f"ndcg@{k}.low": interval.low, f"ndcg@{k}.high": interval.high, "users": float(everyone.users)}
    for one, rank in zip(asked, ranks, strict=True):
        metrics[f"ndcg@{k}.{one.market}"] = float(np.mean(ndcg_at(k, rank)))
    return Metrics(metrics)
