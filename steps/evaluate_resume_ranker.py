"""How well the titles that may be resumed are ranked, beside the order of a row without a model: the latest first."""

import xgboost

from kaon.artifacts import Metrics
from kaon.dsl import current_step, step

from .continue_watching.candidates import Candidates, rank_scores, users_of, with_continuation
from .continue_watching.judging import mean_over_users, reciprocal_ranks


@step(output="resume_metrics")
def evaluate_resume_ranker(test_moments: Candidates, resume_ranker: xgboost.Booster, *, seed: int = 0) -> Metrics:
    """Return precision at 1 and the mean reciprocal rank over the test sessions that resumed a title.

    `precision@1.recency` is the baseline's, `precision@1.gain` the difference in the same sessions; `.low` and `.high`
    are 95 % intervals over users, `sessions` how many sessions were judged, `titles` how many were offered on average.

    seed: of the bootstrap.
    """
    table = with_continuation(test_moments)
    users = users_of(table)
    ours = reciprocal_ranks(table, rank_scores(resume_ranker, table))
    latest = reciprocal_ranks(table, -table["recency_rank"].to_numpy("f8"))
    metrics = {"sessions": float(len(users)), "users": float(len(set(users))), "titles": len(table) / len(users)}
    for name, mine, theirs in (("precision@1", ours == 1, latest == 1), ("mrr", ours, latest)):
        measured = {
            name: mean_over_users(mine * 1.0, users, seed=seed),
            f"{name}.recency": mean_over_users(theirs * 1.0, users, seed=seed),
            f"{name}.gain": mean_over_users(mine * 1.0 - theirs, users, seed=seed),
        }
        for key, interval in measured.items():
            metrics |= {key: interval.mean, f"{key}.low": interval.low, f"{key}.high": interval.high}
    current_step().metrics(metrics)
    return Metrics(metrics)
