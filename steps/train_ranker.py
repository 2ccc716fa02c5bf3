"""The ranker: gradient-boosted trees that order what retrieval found (LambdaMART, Burges 2010)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import altair
import numpy as np
import pandas as pd
import xgboost
from pydantic import Field

from kaon.artifacts import FactorModel, Metrics
from kaon.dsl import Resources, current_step, step

from .calibration import Calibration, expected_calibration_error, fitted, reliability
from .candidates import Lists, Positives, in_pools, pools_of, positives_of, retrieved_lists, uniform_lists
from .features import SCORES, feature_names, features, queries
from .interactions import Interactions
from .list_ranker import RANKER, judged
from .market_models import MarketChoices
from .one_blas_thread import one_blas_thread
from .ranker_figures import importance_figure, reliability_figure
from .ranking import Floats, bootstrap_interval
from .source_table import source_table
from .sources import Rows, Sources, Vectors, build_sources
from .two_tower import TwoTower

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class Ranker(NamedTuple):
    """The model; how well it does on users it did not learn from, beside each source; and what it looks at."""

    ranker: xgboost.Booster
    ranker_metrics: Metrics
    ranker_table: pd.DataFrame
    """nDCG@10 on held-out users of the ranker and of every source in every market, as `source_table` says."""
    feature_importance: pd.DataFrame
    importance_figure: altair.Chart
    calibration: Calibration
    reliability: pd.DataFrame
    """Predicted probability and what came of it, on held-out users that the calibration was not fitted on."""
    reliability_figure: altair.LayerChart


class NothingToRank(ValueError):
    """The slice of the ranker holds too few positives."""


@step(resources=Resources(cpus=2, memory="3GiB"))
def train_ranker(
    train: Interactions,
    ranking: Interactions,
    als: FactorModel,
    tower: TwoTower,
    local_tower: Mapping[str, TwoTower],
    fine_tuned_tower: Mapping[str, TwoTower],
    local_als: Mapping[str, FactorModel],
    choices: MarketChoices,
    markets: list[str],
    twin_tower: TwoTower | None = None,
    *,
    users: Count = 20_000,
    negatives: Count = 40,
    minimum_users: Count = 6,
    users_with_retrieved: Annotated[int, Field(ge=0)] = 2_000,
    retrieved_per_source: Count = 16,
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.15,
    rounds: Count = 160,
    minimum_rounds: Count = 40,
    patience: Count = 30,
    learning_rate: Share = 0.1,
    depth: Count = 4,
    minimum_child_weight: Annotated[float, Field(ge=0)] = 20.0,
    subsample: Share = 0.8,
    features_per_node: Share = 0.5,
    l2: Annotated[float, Field(ge=0)] = 5.0,
    pairs_per_list: Count = 10,
    threads: Count = 2,
    seed: int = 0,
) -> Ranker:
    """Return a ranker that learnt from the slice `ranking`, which no source has seen.

    Every user gives a list of unseen items of the market drawn uniformly, as in the lists of the WSDM Cup, and some
    give a second one of what retrieval finds, which is what the ranker orders in serving. Where the data knows on which
    device, at which hour or on which weekday the held-out item was met, that is the moment of the list.

    users: users of the slice that are taken at most.
    negatives: drawn for each user.
    minimum_users: an item that fewer users of the market met is not drawn, and is no positive.
    users_with_retrieved: users with a list of what retrieval finds besides.
    retrieved_per_source: items of such a list from each source that retrieves.
    held_out: share of users that stop the training and give the metrics.
    rounds: trees at most.
    minimum_rounds: trees at least: on few held-out users the first tree may happen to look best.
    patience: rounds without a better nDCG@10 on held-out users, after which training stops.
    depth: of a tree.
    minimum_child_weight: a leaf with less is not split off.
    subsample: share of rows per tree.
    features_per_node: share of features that a split may use.
    l2: on leaf values.
    pairs_per_list: LambdaMART's truncation: pairs with one of the first so many items.
    threads: the model is the same on every machine only for the same number.
    """
    chosen = choices.models(
        markets,
        tower=tower,
        local_tower=local_tower,
        fine_tuned_tower=fine_tuned_tower,
        als=als,
        local_als=local_als,
    )
    sources = build_sources(train, als, tower, chosen, markets, twin_tower)
    current_step().progress(0.2, "sources built")
    positives = positives_of(sources, ranking)
    pools = pools_of(sources, positives, minimum_users=minimum_users)
    taken = _some(in_pools(sources, positives, pools), users, seed)
    if len(taken.users) < 2:
        raise NothingToRank(
            f"train_ranker has {len(taken.users)} users to learn from: {len(ranking)} interactions in the slice "
            f"`ranking`, {len(positives.users)} of users with a history and items that are known, of which items with "
            f"at least {minimum_users} users count; lower train_ranker.minimum_users, take more interactions, "
            "or, if few users come back, split_interactions.by=user"
        )
    lists = uniform_lists(sources, taken, pools, negatives=negatives, seed=seed)
    last = max(1, round(held_out * len(taken.users)))
    judges, learners = lists.part(np.arange(last)), lists.part(np.arange(last, len(taken.users)))
    second = taken.part(np.arange(last, min(last + users_with_retrieved, len(taken.users))))
    retrieved = retrieved_lists(sources, second, per_source=retrieved_per_source, seed=seed)
    table = _table(sources, judges)
    grouped = _grouped([_table(sources, learners), _table(sources, retrieved)])
    current_step().progress(0.5, f"{len(grouped[0])} candidates of {len(learners.users)} users")
    parameters = {
        "objective": "rank:ndcg",
        "eval_metric": "ndcg@10",
        "lambdarank_pair_method": "topk",
        "lambdarank_num_pair_per_sample": pairs_per_list,
        "tree_method": "hist",
        "eta": learning_rate,
        "max_depth": depth,
        "min_child_weight": minimum_child_weight,
        "subsample": subsample,
        "colsample_bynode": features_per_node,
        "reg_lambda": l2,
        "nthread": threads,
        "seed": seed,
    }
    names = feature_names(sources)
    ranker = _fit(grouped, _grouped([table]), names, parameters, rounds, minimum_rounds, patience)
    ndcg = judged(ranker, sources, judges)
    calibration, reliable = _calibrated(ranker, table, len(judges.users))
    metrics = _metrics(ndcg, ranker.num_boosted_rounds(), calibration)
    importance = _importance(ranker, names)
    if not importance["splits"].any():
        current_step().log(
            f"the ranker learnt nothing from {len(learners.users)} users and orders nothing: no tree has a split, as "
            f"a leaf must weigh train_ranker.minimum_child_weight={minimum_child_weight:g}; take more interactions"
        )
    return Ranker(
        ranker,
        metrics,
        source_table(ndcg, sources.market_of_user[judges.users], markets),
        importance,
        importance_figure(importance),
        calibration,
        reliable,
        reliability_figure(reliable),
    )


Scores = list[float] | list[tuple[float, float]]

Table = tuple[Vectors, Vectors, Rows]
"""Features (candidates, features), relevance (candidates,) and the list of each candidate, lists contiguous."""


def _some(positives: Positives, count: int, seed: int) -> Positives:
    """Return at most `count` of the positives in random order, so that any first part is a fair sample of users."""
    return positives.part(np.random.default_rng(seed).permutation(len(positives.users))[:count])


@one_blas_thread()
def _table(sources: Sources, lists: Lists) -> Table:
    """Return the table of some lists: equal lists give equal bits, whatever else the process computes."""
    known = lists.items >= 0
    table = features(sources, queries(sources, lists.users, lists.items, lists.moment))
    return table[known], lists.relevant[known].astype("f4"), np.nonzero(known)[0]


def _grouped(tables: list[Table]) -> Table:
    """Return the tables below each other, their lists numbered on."""
    starts = np.cumsum([0, *(table[2].max(initial=-1) + 1 for table in tables)])
    numbers = [table[2] + start for table, start in zip(tables, starts, strict=False)]
    return np.concatenate([t[0] for t in tables]), np.concatenate([t[1] for t in tables]), np.concatenate(numbers)


def _fit(
    learners: Table,
    judges: Table,
    names: Sequence[str],
    parameters: Mapping[str, object],
    rounds: int,
    minimum_rounds: int,
    patience: int,
) -> xgboost.Booster:
    taught = xgboost.QuantileDMatrix(learners[0], learners[1], qid=learners[2], feature_names=list(names))
    asked = xgboost.QuantileDMatrix(judges[0], judges[1], qid=judges[2], feature_names=list(names), ref=taught)
    booster = xgboost.train(
        dict(parameters),
        taught,
        rounds,
        evals=[(asked, "held_out")],
        early_stopping_rounds=max(patience, minimum_rounds),
        callbacks=[_Report(rounds)],
        verbose_eval=False,
    )
    return booster[: max(booster.best_iteration + 1, min(minimum_rounds, booster.num_boosted_rounds()))]


class _Report(xgboost.callback.TrainingCallback):
    """Tells the running step how training goes, every ten rounds."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.rounds = rounds

    def after_iteration(self, model: object, epoch: int, evals_log: dict[str, dict[str, Scores]]) -> bool:
        """Return False: training goes on."""
        if epoch % 10 == 9:
            ndcg = float(np.ravel(evals_log["held_out"]["ndcg@10"][-1])[0])
            current_step().progress(0.5 + 0.5 * (epoch + 1) / self.rounds, f"round {epoch + 1} of {self.rounds}")
            current_step().metrics({"ndcg@10": ndcg}, at=epoch + 1)
        return False


def _metrics(ndcg: Mapping[str, Floats], trees: int, calibration: Calibration) -> Metrics:
    """Return nDCG@10 on the held-out users: of the ranker and each source, and the gain over the best of them."""
    whole = bootstrap_interval(ndcg[RANKER])
    best = max(SCORES, key=lambda name: float(ndcg[name].mean()))
    gain = bootstrap_interval(ndcg[RANKER] - ndcg[best])
    if gain.high < 0:
        current_step().log(f"the ranker is worse than {best} alone on held-out users: {gain}")
    metrics = {"ndcg@10": whole.mean, "ndcg@10.low": whole.low, "ndcg@10.high": whole.high, "users": whole.users}
    metrics |= {f"ndcg@10.{name}": float(ndcg[name].mean()) for name in SCORES}
    metrics |= {"gain": gain.mean, "gain.low": gain.low, "gain.high": gain.high}
    metrics |= {"gain_over_best_source": whole.mean / max(float(ndcg[best].mean()), 1e-9) - 1, "trees": trees}
    return Metrics({**metrics, "calibration_error": calibration.error})


def _calibrated(ranker: xgboost.Booster, judges: Table, lists: int) -> tuple[Calibration, pd.DataFrame]:
    """Return the calibration that the first half of the held-out lists gives, and how reliable it is on the others."""
    scores = np.asarray(ranker.inplace_predict(judges[0], validate_features=False), "f8")
    relevant, fits = judges[1] > 0, judges[2] < lists / 2
    slope, offset = fitted(scores[fits], relevant[fits])
    table = reliability(Calibration(slope, offset, 0.0).probability(scores[~fits]), relevant[~fits])
    return Calibration(slope, offset, expected_calibration_error(table)), table


def _importance(ranker: xgboost.Booster, names: Sequence[str]) -> pd.DataFrame:
    """Return a row per feature, the most important first: gain (share of all), splits."""
    gain, splits = ranker.get_score(importance_type="total_gain"), ranker.get_score(importance_type="weight")
    table = pd.DataFrame(
        {
            "feature": names,
            "gain": [float(np.sum(gain.get(name, 0.0))) for name in names],
            "splits": [int(np.sum(splits.get(name, 0))) for name in names],
        }
    )
    table["gain"] /= max(table["gain"].sum(), 1e-12)
    return table.sort_values(["gain", "feature"], ascending=[False, True], ignore_index=True)
