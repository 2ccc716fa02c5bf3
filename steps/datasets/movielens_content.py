"""What the movies of MovieLens are: genres, people and plots of 1M, genres and tags of the small set."""

import re
from pathlib import Path

import pandas as pd

from .missing import found
from .movielens import PUBLISHED_1M, PUBLISHED_SMALL, TERMS_1M, TERMS_SMALL
from .reading import fields_of

MOVIES_1M = ("item_id", "title", "genres")
EXTRAS_1M = ("item_id", "title", "year", "rated", "released", "genres", "director", "writers", "actors", "plot")
UNKNOWN = "N/A"


def movies_1m(folder: Path) -> pd.DataFrame:
    """Return titles and genres of movies.dat, and people and plots of movies_extrainfos.dat where that is there too.

    The latter is no part of the set as published.
    """
    path = found("movielens-1m", folder, ("movies.dat",), published=PUBLISHED_1M, terms=TERMS_1M)
    movies = fields_of(path, MOVIES_1M)
    movies["genres"] = movies["genres"].str.split("|")
    extras = sorted(folder.glob("movies_extrainfos.dat*"))
    if not extras:
        return movies
    extra = fields_of(extras[0], EXTRAS_1M).drop_duplicates("item_id").set_index("item_id").reindex(movies["item_id"])
    names = (extra["director"] + ", " + extra["writers"] + ", " + extra["actors"]).fillna("")
    movies["people"] = names.map(_people).to_numpy()
    movies["text"] = extra["plot"].replace(UNKNOWN, "").fillna("").to_numpy()
    return movies


def movies_small(folder: Path) -> pd.DataFrame:
    """Return titles and genres of movies.csv; the text of a movie is its tags of tags.csv, where that is there too."""
    path = found("movielens-small", folder, ("movies.csv",), published=PUBLISHED_SMALL, terms=TERMS_SMALL)
    movies = pd.read_csv(path, dtype=str, keep_default_na=False).rename(columns={"movieId": "item_id"})
    movies["genres"] = movies["genres"].replace("(no genres listed)", "").str.split("|").map(_filled)
    tags = sorted(folder.glob("tags.csv*"))
    if tags:
        told = pd.read_csv(tags[0], dtype=str, keep_default_na=False).drop_duplicates(["movieId", "tag"])
        movies["text"] = movies["item_id"].map(told.groupby("movieId")["tag"].agg(", ".join)).fillna("")
    return movies


def _people(names: str) -> list[str]:
    """Return the names once each, without what they did.

    >>> _people("Jane Doe, Jane Doe (novel), N/A, John Roe (play 'A, B')")
    ['Jane Doe', 'John Roe']
    """
    bare = re.sub(r"\([^)]*\)?", "", names).split(",")
    return [name for name in dict.fromkeys(name.strip() for name in bare) if name not in ("", UNKNOWN)]


def _filled(names: list[str]) -> list[str]:
    return [name for name in names if name]
