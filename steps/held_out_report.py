"""How good the whole recommender is on a slice that nothing learnt from, beside each of its sources alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xgboost

from .candidates import RETRIEVING, Lists, Positives, pools_of, positives_of, retrieve, uniform_lists
from .features import SCORES, queries
from .interactions import Interactions
from .list_ranker import RANKER, judged
from .ranking import Floats, Interval, bootstrap_interval
from .sources import Sources

NEGATIVES = 99
"""As in the lists of the WSDM Cup."""

RETRIEVED = 40
"""Items from each source of retrieval: the first ten by one of them are among these, so they are its own ten."""

MINIMUM_USERS = 5
"""Of the market, of an item that stands in the lists."""


@dataclass(frozen=True, slots=True)
class HeldOutReport:
    """nDCG@10 on the slice."""

    ranker: Interval
    """On lists of a positive among uniform negatives."""
    best_source: str
    """The single source that is best there."""
    gain: Interval
    """Of the ranker over it, user by user."""
    metrics: Mapping[str, float]
    """`lists.ndcg@10`: on those lists; `pipeline.ndcg@10`: retrieval and ranker over the whole catalogue; with
    `.low`, `.high`, and every source alone by its name."""


def held_out_report(
    sources: Sources, ranker: xgboost.Booster, held_out: Interactions, *, users: int, seed: int
) -> HeldOutReport:
    """Return how good the ranker and each source are on a slice that neither learnt from.

    sources: with histories that leave the slice out. users: how many are judged at most, chosen at random; a user
    whose item is unknown to the sources counts as zero.
    """
    everyone = positives_of(sources, held_out)
    order = np.random.default_rng(seed).permutation(len(everyone.users))[:users]
    positives = everyone.part(order)
    unknown = round(len(order) * (1 - len(everyone.users) / max(1, held_out["user_id"].nunique())))
    pools = pools_of(sources, positives, minimum_users=MINIMUM_USERS)
    lists = judged(ranker, sources, uniform_lists(sources, positives, pools, negatives=NEGATIVES, seed=seed))
    lists = {name: np.concatenate([ndcg, np.zeros(unknown)]) for name, ndcg in lists.items()}
    pipeline = judged(ranker, sources, retrieved(sources, positives))
    pipeline = {name: np.concatenate([pipeline[name], np.zeros(unknown)]) for name in (RANKER, *RETRIEVING)}
    best = max(SCORES, key=lambda name: float(lists[name].mean()) if len(lists[name]) else 0.0)
    metrics = {**_told("lists", lists), **_told("pipeline", pipeline), "users": float(len(order) + unknown)}
    market = sources.market_of_user[positives.users]
    for number, name in enumerate(sources.markets):
        if (market == number).any():
            metrics[f"{name}.lists.ndcg@10"] = float(lists[RANKER][: len(market)][market == number].mean())
    gain = bootstrap_interval(lists[RANKER] - lists[best])
    return HeldOutReport(bootstrap_interval(lists[RANKER]), best, gain, metrics)


def retrieved(sources: Sources, positives: Positives) -> Lists:
    """Return what retrieval finds; a positive that it did not find is in no list."""
    asked = queries(sources, positives.users, np.empty((len(positives.users), 0), dtype=np.int64), positives.moment)
    items = retrieve(sources, asked, per_source=RETRIEVED).items
    return Lists(positives.users, items, items == positives.items[:, None], positives.moment)


def _told(task: str, ndcg: Mapping[str, Floats]) -> dict[str, float]:
    """Return the metrics of one task, the ranker's first."""
    told: dict[str, float] = {}
    for name, values in ndcg.items():
        interval = bootstrap_interval(values)
        key = f"{task}.ndcg@10" if name == RANKER else f"{task}.ndcg@10.{name}"
        told |= {key: interval.mean, f"{key}.low": interval.low, f"{key}.high": interval.high}
    return told
