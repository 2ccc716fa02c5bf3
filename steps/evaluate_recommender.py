"""How good the whole recommender is on the test slice, for whom, and at what it is good, beside each source alone."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import pandas as pd
import xgboost
from pydantic import Field

from kaon.artifacts import FactorModel
from kaon.dsl import Resources, current_step, step

from .candidates import RETRIEVING
from .evaluation import Outcome, evaluation_table, quantile_edges
from .features import features, source_scores
from .interactions import Interactions, interactions
from .judged_slice import JudgedSlice, Recommender, audience_of, judged_slice
from .list_ranker import LISTS_AT_ONCE
from .market_models import MarketChoices
from .ranking import Rows, Scores, top_scores
from .reranking import GenreTable, Reranking, genre_table, questions_of, ranked_candidates, reranked
from .sources import build_sources
from .two_tower import TwoTower

Count = Annotated[int, Field(gt=0)]

RECOMMENDER = "recommender"


@step(output="evaluation_table", resources=Resources(cpus=1, memory="3GiB"))
def evaluate_recommender(
    train: Interactions,
    tuning: Interactions,
    stability: Interactions,
    ranking: Interactions,
    test: Interactions,
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
    reranking: Reranking = Reranking(),  # noqa: B008  it is frozen
    users: Count = 3_000,
    k: Annotated[int, Field(gt=0, le=50)] = 10,
    edges: tuple[int, ...] = (),
    buckets: Annotated[int, Field(gt=0, le=20)] = 4,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the metrics of the recommender and of its sources on the test slice, each with its interval over users.

    Full ranking: retrieval and ranker choose from the market's whole catalogue, seen items removed; an item of the
    slice that retrieval did not find counts as not found. Each user asks at the moment of the first interaction of the
    slice, where the data knows it, as a server would know it. The columns and metrics are those of `evaluation_table`.

    catalogue: genres of the items, for a cap.
    reranking: how lists are made from ranked candidates; the recommender is judged as it will serve.
    users: users of the slice that are judged at most, chosen at random.
    k: length of the lists.
    edges: history lengths at which a new bucket of activity begins; none takes `buckets` of about equal size.
    seed: of the choice of users and of the bootstrap.
    """
    chosen = choices.models(
        markets,
        tower=tower,
        local_tower=local_tower,
        fine_tuned_tower=fine_tuned_tower,
        als=als,
        local_als=local_als,
    )
    before = interactions(pd.concat([train, tuning, stability, ranking], ignore_index=True))
    recommender = Recommender(build_sources(before, als, tower, chosen, markets, twin_tower), ranker)
    current_step().progress(0.3, "sources built")
    asked = judged_slice(recommender.sources, test, users=users, seed=seed)
    audience = audience_of(recommender.sources, asked.visitors)
    cuts = edges or quantile_edges(audience.history, buckets)
    genres = genre_table(catalogue, recommender.sources.item_ids)
    table = evaluation_table(_outcomes(recommender, asked, reranking, genres, k), audience, edges=cuts, seed=seed)
    overall = table[(table["by"] == "all") & (table["model"] == RECOMMENDER)]
    current_step().metrics(dict(zip(overall["metric"], overall["value"], strict=True)))
    return table


def _outcomes(
    recommender: Recommender, asked: JudgedSlice, settings: Reranking, genres: GenreTable, k: int
) -> dict[str, Outcome]:
    """Return what the recommender and each source offers the users of the slice."""
    lists: dict[str, list[Rows]] = {name: [] for name in (RECOMMENDER, *RETRIEVING)}
    for start in range(0, len(asked.visitors.user), LISTS_AT_ONCE):
        part = asked.visitors.part(np.arange(start, min(start + LISTS_AT_ONCE, len(asked.visitors.user))))
        found, scores = ranked_candidates(recommender, part, settings)
        table = features(recommender.sources, questions_of(recommender.sources, part, found))
        lists[RECOMMENDER].append(reranked(recommender.sources, part, found, scores, settings, k=k, genres=genres)[0])
        for name in RETRIEVING:  # what a source likes best is among the candidates, so these are its own first
            lists[name].append(_first(found, source_scores(table, name), k))
        current_step().progress(
            0.3 + 0.6 * (start + len(found)) / len(asked.visitors.user), f"{start + len(found)} users"
        )
    whole = {name: np.concatenate(parts) for name, parts in lists.items()}
    return {name: Outcome(asked.ranks(items), items) for name, items in whole.items()}


def _first(found: Rows, scores: Scores, k: int) -> Rows:
    """Return the k items (lists, k) that one source likes best, -1 where there are no more."""
    columns, _ = top_scores(np.where(found >= 0, scores, -np.inf), k)
    return np.where(columns >= 0, np.take_along_axis(found, np.maximum(columns, 0), axis=1), -1)
