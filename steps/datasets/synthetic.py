"""Made-up viewing, for scale and for what no public set has: sessions, watch fractions and impressions.

It is always labelled: every user, item and market is called `synthetic-…`. Nothing latent is in any table.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..interactions import Interactions
from .synthetic_sessions import SHOWN, Plays, watch
from .synthetic_world import COUNTRIES, DEVICES, GENRES, Ints, Titles, make_tastes, make_titles, make_viewers

FIRST_MIDNIGHT = np.datetime64("2026-01-05T00:00:00", "s")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TITLES = (200, 20_000)
"""Fewest and most; between them four times the root of the number of events."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is made up, and from which seed: equal scales give equal tables."""

    events: int = 100_000
    """Sessions, each of which plays one title; about half of them begin one."""
    seed: int = 0


def synthetic_interactions(scale: Scale) -> Interactions:
    """Return which titles users began.

    rating is the share of the title that was watched in the end, in (0, 1]; market is the user's country; time, device,
    hour (of the user's clock, 00 to 23) and weekday are those at which the title was begun.
    """
    titles, countries, plays = _made(scale)
    order = np.lexsort((plays.begun_at, plays.title, plays.viewer, countries[plays.viewer]))
    viewer, title = plays.viewer[order], plays.title[order]
    changes = np.flatnonzero((np.diff(viewer, prepend=-1) != 0) | (np.diff(title, prepend=-1) != 0))
    first, last = order[changes], order[np.append(changes[1:], len(order)) - 1]
    watched = (plays.episode[last] - 1 + plays.fraction[last]) / titles.episodes[plays.title[first]]
    columns = {
        "user_id": _users(len(countries))[plays.viewer[first]],
        "item_id": _titles(len(titles.episodes))[plays.title[first]],
        "market": _named(COUNTRIES)[countries[plays.viewer[first]]],
        "rating": watched.astype(np.float32),
        **_moments(plays.begun_at[first]),
        "device": np.array(DEVICES, dtype=object)[plays.device[first]],
    }
    return Interactions(pd.DataFrame(columns))


def synthetic_sessions(scale: Scale) -> pd.DataFrame:
    """Return the sessions, sorted by user and time.

    Columns user_id, title_id, market, device (str), time, episode (that was reached), episodes (of the title; 1 for a
    film) and fraction (of that episode that was watched at the end).
    """
    titles, countries, plays = _made(scale)
    order = np.lexsort((plays.begun_at, plays.viewer))
    viewer, title = plays.viewer[order], plays.title[order]
    columns = {
        "user_id": _users(len(countries))[viewer],
        "title_id": _titles(len(titles.episodes))[title],
        "market": _named(COUNTRIES)[countries[viewer]],
        "device": np.array(DEVICES, dtype=object)[plays.device[order]],
        "time": _moments(plays.begun_at[order])["time"],
        "episode": plays.episode[order],
        "episodes": titles.episodes[title],
        "fraction": plays.fraction[order].astype(np.float32),
    }
    return pd.DataFrame(columns)


def synthetic_impressions(scale: Scale) -> pd.DataFrame:
    """Return the new titles that were shown in each session, at most six rows a session, by user and time.

    Columns user_id, time (when the session began), place (from 1), title_id, and played (in this session).
    """
    titles, countries, plays = _made(scale)
    by_time = np.lexsort((plays.begun_at, plays.viewer))
    row = plays.shown[by_time]
    again = (row[:, :, None] == row[:, None, :]) & np.tri(SHOWN, k=-1, dtype=bool)  # (sessions, SHOWN, SHOWN)
    session, place = np.nonzero(~again.any(2))
    order, shown = by_time[session], row[session, place]
    columns = {
        "user_id": _users(len(countries))[plays.viewer[order]],
        "time": _moments(plays.begun_at[order])["time"],
        "place": place + 1,
        "title_id": _titles(len(titles.episodes))[shown],
        "played": shown == plays.title[order],
    }
    return pd.DataFrame(columns)


def synthetic_titles(scale: Scale) -> pd.DataFrame:
    """Return the titles with their genres; nobody plays in them, and the text says how long they are."""
    titles = _made_titles(scale)
    genres = [[GENRES[genre] for genre in some if genre >= 0] for some in titles.genres.tolist()]
    lengths = [
        f"{episodes} episodes of {minutes:.0f} minutes" if episodes > 1 else f"{minutes:.0f} minutes"
        for episodes, minutes in zip(titles.episodes.tolist(), titles.minutes.tolist(), strict=True)
    ]
    names = [f"Synthetic title {number}" for number in range(len(genres))]
    return pd.DataFrame({"item_id": _titles(len(genres)), "title": names, "genres": genres, "text": lengths})


def _made_titles(scale: Scale) -> Titles:
    count = int(np.clip(4 * np.sqrt(scale.events), *TITLES))
    return make_titles(count, np.random.default_rng([scale.seed, 1]), *make_tastes(np.random.default_rng(scale.seed)))


def _made(scale: Scale) -> tuple[Titles, Ints, Plays]:
    """Return the titles, the country of each viewer, and the sessions."""
    titles = _made_titles(scale)
    tastes = make_tastes(np.random.default_rng(scale.seed))
    viewers = make_viewers(scale.events, np.random.default_rng([scale.seed, 2]), *tastes)
    return titles, viewers.country, watch(titles, viewers, np.random.default_rng([scale.seed, 3]))


def _moments(minutes: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[str, object]:
    """Return time, hour and weekday of minutes since the first midnight, a Monday's."""
    seconds = np.floor(minutes * 60).astype(np.int64)
    hours = np.array([f"{hour:02}" for hour in range(24)], dtype=object)
    times = pd.Series((FIRST_MIDNIGHT + seconds.astype("m8[s]")).astype("M8[ns]")).dt.tz_localize("UTC")
    weekdays = np.array(WEEKDAYS, dtype=object)
    return {"time": times, "hour": hours[seconds // 3600 % 24], "weekday": weekdays[seconds // 86400 % 7]}


def _users(count: int) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.array([f"synthetic-u{number:07}" for number in range(count)], dtype=object)


def _titles(count: int) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.array([f"synthetic-t{number:05}" for number in range(count)], dtype=object)


def _named(names: Iterable[str]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.array([f"synthetic-{name}" for name in names], dtype=object)
