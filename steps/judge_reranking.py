"""What each setting after ranking costs, and what it gives: measured on users that no model has learnt from."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, NamedTuple

import altair
import numpy as np
import pandas as pd
import xgboost
from pydantic import Field
from scipy import sparse

from kaon.artifacts import FactorModel
from kaon.dsl import Resources, current_step, step

from .evaluation import coverage, intra_list_diversity, novelty
from .features import queries
from .interactions import Interactions
from .judged_slice import JudgedSlice, Recommender, audience_of, judged_slice
from .list_ranker import LISTS_AT_ONCE
from .market_models import MarketChoices
from .ranking import Floats, Rows, bootstrap_intervals, ndcg_at
from .reranking import GenreTable, Reranking, genre_table, ranked_candidates, recommend, reranked
from .reranking_figure import reranking_figure
from .sources import build_sources
from .two_tower import TwoTower

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]

K = 10


class Judged(NamedTuple):
    """A row a setting, and its picture."""

    reranking_table: pd.DataFrame
    reranking_figure: altair.HConcatChart


@step(resources=Resources(cpus=1, memory="3GiB"))
def judge_reranking(
    train: Interactions,
    stability: Interactions,
    als: FactorModel,
    tower: TwoTower,
    local_tower: Mapping[str, TwoTower],
    fine_tuned_tower: Mapping[str, TwoTower],
    local_als: Mapping[str, FactorModel],
    choices: MarketChoices,
    markets: list[str],
    ranker: xgboost.Booster,
    catalogue: pd.DataFrame | None = None,
    twin_tower: TwoTower | None = None,
    *,
    users: Count = 2_000,
    diversities: tuple[Share, ...] = (0.1, 0.2, 0.3, 0.5),
    explorations: tuple[Share, ...] = (0.1, 0.2),
    priors: tuple[Annotated[float, Field(ge=0)], ...] = (0.5, 2.0),
    genre_caps: tuple[Count, ...] = (3, 2),
    titles: tuple[Count, ...] = (1, 3),
    seed: int = 0,
) -> Judged:
    """Return nDCG@10, intra-list diversity, novelty and coverage of each setting beside the ranker's own order.

    Columns: setting, value, ndcg@10 with low and high, change (of nDCG@10 against `plain`, paired by user) with
    change_low and change_high, diversity@10, novelty@10, coverage@10, users. Diversity is measured by the same vectors
    that re-ranking goes by. The slice is the one of check_stability, so that the test slice stays untouched when
    somebody chooses a setting by this table.

    users: users of the slice that are judged at most.
    diversities, explorations, priors: values of `Reranking` that are tried one at a time.
    genre_caps: values of `Reranking.per_genre`, tried where the catalogue has genres.
    titles: how many titles people without a history choose: the slice's users are answered as if all that is known of
        them were so many titles of their history, drawn at random; the row `market popularity` knows the market alone.
    seed: of the choice of users and titles, of exploration and of the bootstrap.
    """
    chosen = choices.models(
        markets,
        tower=tower,
        local_tower=local_tower,
        fine_tuned_tower=fine_tuned_tower,
        als=als,
        local_als=local_als,
    )
    recommender = Recommender(build_sources(train, als, tower, chosen, markets, twin_tower), ranker)
    current_step().progress(0.3, "sources built")
    asked = judged_slice(recommender.sources, stability, users=users, seed=seed)
    genres = genre_table(catalogue, recommender.sources.item_ids)
    settings = _settings(diversities, explorations, priors, genre_caps if genres.names else (), seed)
    lists = _reranked(recommender, asked, settings, genres)
    lists |= _cold(recommender, asked, titles, seed)
    table = _table(lists, recommender, asked, seed)
    plain = table.iloc[0]
    current_step().metrics({name: float(plain[name]) for name in (f"ndcg@{K}", f"diversity@{K}", f"coverage@{K}")})
    return Judged(table, reranking_figure(table))


Setting = tuple[str, str]
"""What was set, and to what."""

PLAIN: Setting = ("plain", "")


def _settings(
    diversities: tuple[float, ...],
    explorations: tuple[float, ...],
    priors: tuple[float, ...],
    caps: tuple[int, ...],
    seed: int,
) -> dict[Setting, Reranking]:
    return {
        PLAIN: Reranking(),
        **{("diversity", f"{value:g}"): Reranking(diversity=value) for value in diversities},
        **{("genre cap", str(value)): Reranking(per_genre=value) for value in caps},
        **{("exploration", f"{value:g}"): Reranking(exploration=value, seed=seed) for value in explorations},
        **{("prior", f"{value:g}"): Reranking(prior=value) for value in priors},
    }


def _reranked(
    recommender: Recommender, asked: JudgedSlice, settings: Mapping[Setting, Reranking], genres: GenreTable
) -> dict[Setting, Rows]:
    """Return the lists by each setting, shape (users, K); candidates are retrieved and ranked once for all of them."""
    lists: dict[Setting, list[Rows]] = {name: [] for name in settings}
    count = len(asked.visitors.user)
    for start in range(0, count, LISTS_AT_ONCE):
        part = asked.visitors.part(np.arange(start, min(start + LISTS_AT_ONCE, count)))
        found, scores = ranked_candidates(recommender, part, settings[PLAIN])
        for name, each in settings.items():
            lists[name].append(reranked(recommender.sources, part, found, scores, each, k=K, genres=genres)[0])
        current_step().progress(0.3 + 0.5 * (start + len(found)) / count, f"{start + len(found)} of {count} users")
    return {name: np.concatenate(parts) for name, parts in lists.items()}


def _cold(recommender: Recommender, asked: JudgedSlice, titles: tuple[int, ...], seed: int) -> dict[Setting, Rows]:
    """Return the lists for the same users as if they were new, with some titles each and with none.

    The whole history stays out of the lists all the same: what a user met is no wrong answer.
    """
    visitors = asked.visitors
    history = queries(recommender.sources, visitors.user, np.empty((len(visitors.user), 0), dtype=np.int64)).history
    new = replace(visitors, user=np.full(len(visitors.user), -1, dtype=np.int64), without=history)
    chosen = {("onboarding titles", str(count)): some_titles(history, count, seed) for count in titles}
    lists = {name: recommend(recommender, replace(new, titles=some), k=K).items for name, some in chosen.items()}
    return {**lists, ("market popularity", ""): recommend(recommender, new, k=K).items}


def some_titles(history: sparse.csr_matrix, count: int, seed: int) -> sparse.csr_matrix:
    """Return at most so many items of each history, drawn at random; both of shape (users, items)."""
    row = np.repeat(np.arange(history.shape[0]), np.diff(history.indptr))
    order = np.lexsort((np.random.default_rng(seed).random(len(row)), row))
    first = np.arange(len(row)) - history.indptr[row] < count  # rows stay where they were
    kept = order[first]
    some = sparse.csr_matrix((history.data[kept], (row[kept], history.indices[kept])), shape=history.shape)
    some.sort_indices()
    return some


def _table(lists: Mapping[Setting, Rows], recommender: Recommender, asked: JudgedSlice, seed: int) -> pd.DataFrame:
    audience = audience_of(recommender.sources, asked.visitors)
    offered = max(1, int(audience.catalogue.any(axis=0).sum()))
    plain = ndcg_at(K, asked.ranks(lists[PLAIN]))
    rows = []
    for (setting, value), items in lists.items():
        values = ndcg_at(K, asked.ranks(items))
        ndcg, change = bootstrap_intervals(np.stack([values, values - plain], axis=1), seed=seed)
        rows.append(
            {
                "setting": setting,
                "value": value,
                f"ndcg@{K}": ndcg.mean,
                "low": ndcg.low,
                "high": ndcg.high,
                "change": change.mean,
                "change_low": change.low,
                "change_high": change.high,
                f"diversity@{K}": _mean(intra_list_diversity(items, audience.vectors)),
                f"novelty@{K}": _mean(novelty(items, audience.met, audience.population)),
                f"coverage@{K}": coverage(items, offered),
                "users": ndcg.users,
            }
        )
    return pd.DataFrame(rows)


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0
