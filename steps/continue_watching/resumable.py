"""What each user may resume at a moment, and what is known about it then: one function for training and serving.

Everything is read from sessions that began before the moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .history import SPAN, Floats, History, Ints, is_open, seconds_of

DAY, HOUR = 86_400, 3_600
LATELY = 5
"""Sessions that count as the latest."""
DEVICES = ("tv", "phone", "tablet", "computer")

CANDIDATE = (
    *("days_away", "recency_rank", "hours_from_habit", "same_device", "fraction", "progress", "is_series"),
    *("episodes_left", "plays", "reached_at_first", "title_resumed"),
)
"""Features of a title that may be resumed; `fraction` and `progress` are shares of the episode and of the title."""
SESSION = (
    *("hour", "is_weekend", *(f"on_{device}" for device in DEVICES), "open_titles", "sessions", "resumed_share"),
    *("resumed_lately", "days_since_session"),
)
"""Features of the moment and of the user; the same for every title."""

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Resumable:
    """Titles that users may resume, those of one moment together, the latest first."""

    moment: Ints
    """Number of the moment, ascending, shape (candidates,)."""
    title_id: npt.NDArray[np.object_]
    features: Mapping[str, Floats]
    """Each of CANDIDATE, shape (candidates,), and of SESSION, shape (moments,)."""

    def table(self, names: tuple[str, ...]) -> Vectors:
        """Return these features of every candidate, shape (candidates, names)."""
        return np.stack([self._column(name) for name in names], axis=1).astype(np.float32)

    def _column(self, name: str) -> Floats:
        return self.features[name][self.moment] if name in SESSION else self.features[name]


def resumable(history: History, moments: pd.DataFrame, *, finished: float, at_most: int, days: int) -> Resumable:
    """Return what may be resumed at each moment, and its features.

    history: may go on after the moments; what is later is not looked at.
    moments: user_id, time and device; a user without sessions has nothing to resume.
    finished: share of the last episode after which a title is not offered.
    at_most: titles that are offered at a moment, the latest ones.
    days: after which a title that was left is not offered.
    """
    user = history.user_ids.get_indexer(pd.Index(moments["user_id"])).astype(np.int64)
    seconds = seconds_of(moments["time"])
    moment, left = _offered(history, user, seconds, finished=finished, at_most=at_most, days=days)
    now, away = seconds[moment], seconds[moment] - history.seconds[left]
    reached, episodes = history.reached[left], history.episodes[left]
    episode = np.maximum(np.ceil(reached), 1)
    played, resumed = history.by_title.counts(history.title[left], now)
    off = away % DAY / HOUR
    candidate = {
        "days_away": away / DAY,
        "recency_rank": _rank(moment),
        "hours_from_habit": np.minimum(off, 24 - off),
        "same_device": history.device[left] == moments["device"].to_numpy(object)[moment],
        "fraction": reached - (episode - 1),
        "progress": reached / episodes,
        "is_series": episodes > 1,
        "episodes_left": episodes - reached,
        "plays": history.plays[left],
        "reached_at_first": history.first_reached[left],
        "title_resumed": (resumed + 1) / (played + 2),
    }
    session = _session(history, moments, user, seconds, np.bincount(moment, minlength=len(moments)))
    features = {name: np.asarray(values, "f8") for name, values in (candidate | session).items()}
    return Resumable(moment, history.title_ids.to_numpy(object)[history.title[left]], features)


def _offered(
    history: History, user: Ints, seconds: Ints, *, finished: float, at_most: int, days: int
) -> tuple[Ints, Ints]:
    """Return moments and the sessions in which the titles that are offered at them were left, the latest first.

    A title that was left in a session is open at the user's moments until the next session with it, that one included.
    """
    order = np.argsort(user * SPAN + seconds, kind="stable")
    keys = (user * SPAN + seconds)[order]
    open_ = np.flatnonzero(is_open(history.reached, history.episodes, finished))
    until = np.minimum(history.next_seconds[open_], history.seconds[open_] + days * DAY)
    start = np.searchsorted(keys, history.user[open_] * SPAN + history.seconds[open_], side="right")
    count = np.maximum(np.searchsorted(keys, history.user[open_] * SPAN + until, side="right") - start, 0)
    left = np.repeat(open_, count)
    within = np.arange(len(left)) - np.repeat(count.cumsum() - count, count)
    moment = order[np.repeat(start, count) + within]
    latest = np.lexsort((-history.seconds[left], moment))
    moment, left = moment[latest], left[latest]
    kept = _rank(moment) < at_most
    return moment[kept], left[kept]


def _rank(moment: Ints) -> Ints:
    """Return the place of each candidate among those of its moment, from 0; moments ascend."""
    firsts = np.flatnonzero(np.diff(moment, prepend=-1))
    return np.arange(len(moment)) - np.repeat(firsts, np.diff(np.append(firsts, len(moment))))


def _session(
    history: History, moments: pd.DataFrame, user: Ints, seconds: Ints, offered: Ints
) -> dict[str, npt.NDArray[np.generic]]:
    times, device = moments["time"].dt, moments["device"].to_numpy(object)
    sessions, resumed = history.by_user.counts(user, seconds)
    start, end = history.by_user.before(user, seconds)
    lately = np.maximum(start, end - LATELY)
    latest = history.seconds[history.by_user.order[np.maximum(end - 1, 0)]]
    return {
        "hour": (times.hour + times.minute / 60).to_numpy("f8"),
        "is_weekend": (times.dayofweek >= 5).to_numpy(bool),
        **{f"on_{name}": device == name for name in DEVICES},
        "open_titles": offered,
        "sessions": sessions,
        "resumed_share": (resumed + 1) / (sessions + 2),
        "resumed_lately": (history.by_user.resumed[end] - history.by_user.resumed[lately] + 1) / (end - lately + 2),
        "days_since_session": np.where(end > start, (seconds - latest) / DAY, -1.0),
    }
