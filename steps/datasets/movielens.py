"""MovieLens: 1M with postal regions as markets, and the small set with timestamps."""

from pathlib import Path

import pandas as pd

from ..interactions import Interactions, interactions
from .missing import found

PUBLISHED_1M = "https://grouplens.org/datasets/movielens/1m/"
TERMS_1M = "research only, no redistribution"
PUBLISHED_SMALL = "https://grouplens.org/datasets/movielens/latest/"
TERMS_SMALL = "may be redistributed under the same terms"
USERS_1M = ["user_id", "gender", "age", "occupation", "zip"]
RATINGS_1M = ["user_id", "item_id", "rating", "time"]


def movielens_1m(folder: Path) -> Interactions:
    """Return who saw what; market is the first digit of the user's ZIP code, a region of the US postal service.

    Reads users.dat, and ratings.dat as published or interactions_time_ordered.csv (pairs in each user's time order,
    which have neither stars nor a time that compares users: rating is 1.0 and there is no time).
    """
    where = {"published": PUBLISHED_1M, "terms": TERMS_1M}
    users_file = found("movielens-1m", folder, ("users.dat",), **where)
    events_file = found("movielens-1m", folder, ("ratings.dat", "interactions_time_ordered.csv"), **where)
    users = pd.read_csv(users_file, sep="::", engine="python", names=USERS_1M, dtype=str, encoding="latin-1")
    if events_file.name.startswith("ratings.dat"):
        events = pd.read_csv(events_file, sep="::", engine="python", names=RATINGS_1M, dtype={"user_id": str})
    else:
        events = pd.read_csv(events_file, dtype={"user_id": str}).rename(columns={"movie_id": "item_id"})
        events = events[["user_id", "item_id"]].assign(rating=1.0)
    region = users.set_index("user_id")["zip"].str[0]
    return interactions(events.assign(market=events["user_id"].map(region)), source=events_file.name)


def movielens_small(folder: Path) -> Interactions:
    """Return the ratings of ml-latest-small; there is one market, `all`."""
    path = found("movielens-small", folder, ("ratings.csv",), published=PUBLISHED_SMALL, terms=TERMS_SMALL)
    names = {"userId": "user_id", "movieId": "item_id", "timestamp": "time"}
    frame = pd.read_csv(path, dtype={"userId": str, "movieId": str}).rename(columns=names)
    return interactions(frame.assign(market="all"), source=path.name)
