"""MovieLens: 1M with postal regions as markets, and the small set with timestamps."""

from pathlib import Path

import pandas as pd

from ..interactions import Interactions, interactions
from .missing import found
from .reading import BadFile, delimited, fields_of

PUBLISHED_1M = "https://grouplens.org/datasets/movielens/1m/"
TERMS_1M = "research only, no redistribution"
PUBLISHED_SMALL = "https://grouplens.org/datasets/movielens/latest/"
TERMS_SMALL = "may be redistributed under the same terms"
USERS_1M = ("user_id", "gender", "age", "occupation", "zip")
RATINGS_1M = ("user_id", "item_id", "rating", "time")
ORDERED_1M = {"user_id": "user_id", "movie_id": "item_id"}
RATINGS_SMALL = {"userId": "user_id", "movieId": "item_id", "rating": "rating", "timestamp": "time"}


def movielens_1m(folder: Path) -> Interactions:
    """Return who saw what; market is the first digit of the user's ZIP code, a region of the US postal service.

    Reads users.dat, and ratings.dat as published or interactions_time_ordered.csv (pairs in each user's time order,
    which have neither stars nor a time that compares users: rating is 1.0 and there is no time).
    """
    where = {"published": PUBLISHED_1M, "terms": TERMS_1M}
    users_file = found("movielens-1m", folder, ("users.dat",), **where)
    events_file = found("movielens-1m", folder, ("ratings.dat", "interactions_time_ordered.csv"), **where)
    users = fields_of(users_file, USERS_1M)
    if events_file.name.startswith("ratings.dat"):
        events = fields_of(events_file, RATINGS_1M)
        events["time"] = pd.to_numeric(events["time"], errors="coerce")
    else:
        events = delimited(events_file, ORDERED_1M)[["user_id", "item_id"]].assign(rating=1.0)
    region = users.drop_duplicates("user_id").set_index("user_id")["zip"].str[0]
    market = events["user_id"].map(region)
    if market.isna().any():
        strangers = events[market.isna()]
        raise BadFile(
            f"{events_file}, line {strangers.index[0]}: user {strangers['user_id'].iloc[0]!r} is not in {users_file}, "
            "which says where users live; download both files again"
        )
    return interactions(events.assign(market=market), source=events_file.name)


def movielens_small(folder: Path) -> Interactions:
    """Return the ratings of ml-latest-small; there is one market, `all`."""
    path = found("movielens-small", folder, ("ratings.csv",), published=PUBLISHED_SMALL, terms=TERMS_SMALL)
    return interactions(delimited(path, RATINGS_SMALL).assign(market="all"), source=path.name)
