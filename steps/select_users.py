"""Which users take part: the cohort, and the markets it lives in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import pandas as pd
from pydantic import Field

from kaon.dsl import current_step, step

from .datasets import Catalogue, Dataset, Scale, load, load_catalogue
from .interactions import Interactions, interactions
from .spark_session import spark_folder, spark_session

MARKETS_TOLD = 8

COHORT = """
WITH pairs AS (
    SELECT user_id, item_id, market FROM {events} WHERE rating >= :minimum_rating
), known_items AS (
    SELECT item_id FROM pairs GROUP BY item_id HAVING count(*) >= :minimum_users_per_item
), visits AS (
    SELECT user_id, market, count(*) AS interactions
    FROM pairs LEFT SEMI JOIN known_items USING (item_id) GROUP BY user_id, market
), active AS (             -- a user of several markets counts for the one with most interactions
    SELECT user_id, max_by(market, struct(interactions, market)) AS market
    FROM visits GROUP BY user_id
    HAVING max(interactions) BETWEEN :minimum_interactions AND :maximum_interactions
), open_markets AS (
    SELECT market FROM active GROUP BY market HAVING count(*) >= :minimum_users_per_market
)
SELECT * FROM {events}
LEFT SEMI JOIN known_items USING (item_id)
LEFT SEMI JOIN active USING (user_id, market)
LEFT SEMI JOIN open_markets USING (market)
WHERE rating >= :minimum_rating
"""


class Selected(NamedTuple):
    """The cohort, and what it may be offered."""

    interactions: Interactions
    markets: list[str]
    catalogue: Catalogue
    """What items are, those included that nobody has met; no rows where the data set does not say."""


class EmptyCohort(ValueError):
    """The cohort rules leave no user."""


@step
def select_users(
    *,
    dataset: Dataset = "xmrec",
    folder: Path | None = None,
    columns: dict[str, str] = {},  # noqa: B006  a step's default is a setting's, and never changed
    synthetic_events: Annotated[int, Field(ge=1000)] = 100_000,
    synthetic_seed: int = 0,
    only_markets: tuple[str, ...] = (),
    minimum_interactions: Annotated[int, Field(ge=1)] = 2,
    maximum_interactions: Annotated[int, Field(ge=1)] = 1000,
    minimum_users_per_item: Annotated[int, Field(ge=1)] = 1,
    minimum_users_per_market: Annotated[int, Field(ge=1)] = 100,
    minimum_rating: float = 0.0,
) -> Selected:
    """Return the interactions of the users who take part, their markets, those with most users first, and the items.

    dataset: xmrec (bundled), files (your own Parquet or CSV), xmarket, movielens-1m, movielens-small, frappe, or
        synthetic (made up, and called so).
    folder: where the files of the data set are; xmrec and synthetic need none. When they change, the step runs again.
    columns: names in your own files, where they differ: {"user_id": "customer", "item_id": "product"}.
    synthetic_events: sessions that are made up, of which about half begin a title.
    synthetic_seed: from which they are made up.
    only_markets: take these markets only; empty takes all.
    minimum_interactions: users with fewer say too little.
    maximum_interactions: users with more are hardly people.
    minimum_users_per_item: items that fewer users met are left out.
    minimum_users_per_market: markets with fewer users are left out.
    minimum_rating: an interaction rated lower is left out.
    """
    scale = Scale(synthetic_events, synthetic_seed)
    events = load(dataset, folder, columns=columns, scale=scale)
    if only_markets:
        _check_markets(only_markets, sorted(events["market"].unique()))
        events = Interactions(events[events["market"].isin(only_markets)])
    rules = {
        "minimum_rating": minimum_rating,
        "minimum_interactions": minimum_interactions,
        "maximum_interactions": maximum_interactions,
        "minimum_users_per_item": minimum_users_per_item,
        "minimum_users_per_market": minimum_users_per_market,
    }
    cohort = _cohort(events, rules)
    if cohort.empty:
        raise EmptyCohort(
            f"no user of {dataset!r} fits the cohort rules {rules}: "
            f"it has {events['user_id'].nunique()} users in {events['market'].nunique()} markets, "
            f"at most {events.groupby('market')['user_id'].nunique().max()} in one; "
            "lower select_users.minimum_interactions or select_users.minimum_users_per_market"
        )
    users = cohort.groupby("market")["user_id"].nunique()
    _tell_left_out(sorted(set(events["market"]) - set(users.index)), minimum_users_per_market)
    markets = sorted(users.index, key=lambda market: (-users[market], market))
    return Selected(
        interactions(cohort, source="the cohort"),
        [str(market) for market in markets],
        load_catalogue(dataset, folder, columns=columns, scale=scale),
    )


def _cohort(events: Interactions, rules: Mapping[str, float]) -> pd.DataFrame:
    # Through a file: Spark's optimizer evaluates queries over local rows itself, on one core, in the driver's memory.
    spark = spark_session()
    with spark_folder() as folder:
        path = folder / "events.parquet"
        events.to_parquet(path, index=False, coerce_timestamps="us")
        return spark.sql(COHORT, args=dict(rules), events=spark.read.parquet(path.as_uri())).toPandas()


def _tell_left_out(markets: list[str], minimum: int) -> None:
    if markets:
        more = f" and {len(markets) - MARKETS_TOLD} more" if len(markets) > MARKETS_TOLD else ""
        current_step().log(
            f"left out, with fewer than {minimum} users who fit the rules (select_users.minimum_users_per_market): "
            f"market {', '.join(markets[:MARKETS_TOLD])}{more}"
        )


def _check_markets(wanted: tuple[str, ...], known: list[str]) -> None:
    unknown = [market for market in wanted if market not in known]
    if unknown:
        raise EmptyCohort(
            f"only_markets of select_users: no events in market {', '.join(map(repr, unknown))}: "
            f"choose from {', '.join(known)}"
        )
