"""A made-up world of viewers and titles: who would like what, in which country, at which hour, on which device."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GENRES = (
    *("action", "adventure", "animation", "anime", "children", "comedy", "crime", "documentary", "drama"),
    *("family", "fantasy", "horror", "musical", "mystery", "romance", "science fiction", "thriller", "war"),
)
COUNTRIES = {"br": 0.14, "de": 0.08, "fr": 0.06, "gb": 0.1, "in": 0.13, "jp": 0.04, "mx": 0.11, "us": 0.34}
"""Share of the viewers of each; in the order of their names, as tables are sorted."""
DEVICES = ("tv", "phone", "tablet", "computer")

SESSIONS_OF_A_VIEWER = 60
"""On average: so the number of sessions gives the number of viewers."""
MOST_SESSIONS = 400
"""Of a viewer."""
DAYS = 180
DIMENSIONS = 12


@dataclass(frozen=True, slots=True)
class Titles:
    """What there is to watch; latent but for genres, episodes and minutes."""

    genres: Ints
    """One to three genres of each title, -1 where there are fewer, shape (titles, 3)."""
    episodes: Ints
    """1 for a film, shape (titles,)."""
    minutes: Floats
    """Of an episode or a film, shape (titles,)."""
    vectors: Floats
    """Shape (titles, DIMENSIONS)."""
    appeal: Floats
    """How often a title is shown in a country, shape (countries, titles): Zipf's law, shifted by country and genre."""


@dataclass(frozen=True, slots=True)
class Viewers:
    """Who watches; latent but for the country."""

    country: Ints
    vectors: Floats
    """Shape (viewers, DIMENSIONS); the inner product with a title's is how much a viewer likes it."""
    tastes: Floats
    """Cumulated shares of the genres that a viewer looks for, shape (viewers, genres)."""
    sessions: Ints
    """Of each viewer in all."""
    first_day: Floats
    days_between: Floats
    """Between two evenings (or mornings) with sessions."""
    binge: Floats
    """Probability that another session follows at once."""
    hour: Floats
    """At which a viewer mostly watches."""
    curiosity: Floats
    """How much a viewer prefers something new."""
    patience: Floats
    """How slowly a viewer forgets what was begun."""
    devices: Floats
    """Log-odds of the devices, shape (viewers, devices)."""


def make_titles(count: int, random: np.random.Generator, genre_vectors: Floats, country_tastes: Floats) -> Titles:
    """Return titles with genres, lengths and appeal."""
    favoured = np.exp(random.normal(0, 0.8, len(GENRES)))
    genres = np.argsort(-(np.log(favoured) + random.gumbel(size=(count, len(GENRES)))), axis=1)[:, :3]
    genres[random.random(count) < 0.4, 1] = -1
    genres[(random.random(count) < 0.6) | (genres[:, 1] < 0), 2] = -1
    known = (genres >= 0)[:, :, None]
    theirs = (genre_vectors[genres] * known).sum(1) / known.sum(1)  # (titles, DIMENSIONS)
    is_series = random.random(count) < 0.4
    episodes = np.where(is_series, random.integers(4, 25, count), 1)
    minutes = np.where(is_series, random.choice([24.0, 45.0, 55.0], count), random.normal(104, 16, count).clip(70, 180))
    rank = random.permutation(count) + 1
    shift = (country_tastes[:, genres] * (genres >= 0)).sum(2) / (genres >= 0).sum(1)  # (countries, titles)
    local = random.normal(0, 0.5, (len(COUNTRIES), count))
    appeal = np.exp(0.8 * shift + local) / rank**0.75
    vectors = theirs + random.normal(0, 0.5 / np.sqrt(DIMENSIONS), theirs.shape)
    return Titles(genres, episodes, minutes, vectors, appeal)


def make_viewers(sessions: int, random: np.random.Generator, genre_vectors: Floats, tastes: Floats) -> Viewers:
    """Return viewers who together have so many sessions."""
    count = max(1, round(sessions / SESSIONS_OF_A_VIEWER))
    country = random.choice(len(COUNTRIES), count, p=list(COUNTRIES.values()))
    likes = tastes[country] + random.normal(0, 2.2, (count, len(GENRES)))
    shares = np.exp(likes)
    shares /= shares.sum(1, keepdims=True)
    vectors = (shares @ genre_vectors) * 2.5 + random.normal(0, 0.8, (count, DIMENSIONS))
    theirs = _shared_out(sessions, random.lognormal(0, 0.7, count))
    first_day = random.uniform(0, 0.6 * DAYS, count)
    a_day = theirs / (DAYS - first_day)
    binge = np.clip(1 - 0.8 / a_day, 0.2, 0.95)
    return Viewers(
        country=country,
        vectors=vectors,
        tastes=shares.cumsum(1),
        sessions=theirs,
        first_day=first_day,
        days_between=1 / (a_day * (1 - binge)),
        binge=binge,
        hour=np.where(random.random(count) < 0.8, random.normal(20.5, 1.2, count), random.normal(11, 2, count)),
        curiosity=random.normal(0, 0.8, count),
        patience=random.lognormal(0, 0.4, count),
        devices=np.array([1.0, 0.6, -0.6, -0.2]) + random.normal(0, 1.2, (count, len(DEVICES))),
    )


def make_tastes(random: np.random.Generator) -> tuple[Floats, Floats]:
    """Return a vector for each genre, and how each country's taste differs, shape (countries, genres)."""
    vectors = random.normal(0, 1 / np.sqrt(DIMENSIONS), (len(GENRES), DIMENSIONS))
    return vectors * 1.6, random.normal(0, 0.7, (len(COUNTRIES), len(GENRES)))


def _shared_out(sessions: int, weights: Floats) -> Ints:
    """Return whole numbers from 1 to MOST_SESSIONS, about in proportion to the weights, that add up to `sessions`."""
    counts: Ints = np.clip(np.round(weights * sessions / weights.sum()), 1, MOST_SESSIONS).astype(np.int64)
    while (missing := sessions - int(counts.sum())) != 0:
        room = np.flatnonzero(counts < MOST_SESSIONS if missing > 0 else counts > 1)[: abs(missing)]
        assert len(room), "viewers can have as many sessions as there are to be"
        counts[room] += np.sign(missing)
    return counts
