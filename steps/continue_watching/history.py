"""Sessions by number, so that what was known at any moment is found without a loop."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .sessions import Sessions

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SPAN = 1 << 40
"""Seconds that belong to one number in a key: more than 30,000 years."""
NEVER = SPAN - 1


@dataclass(frozen=True, slots=True)
class Timeline:
    """Sessions in the order of who or what they belong to, and of time within it."""

    keys: Ints
    """Number of the owner times SPAN plus seconds, ascending, shape (sessions,)."""
    order: Ints
    """Row of each session in the history."""
    resumed: Ints
    """How many of the sessions so far resumed a title, with a zero before them, shape (sessions + 1,)."""

    @classmethod
    def of(cls, owner: Ints, seconds: Ints, resumed: Flags) -> "Timeline":
        """Return the timeline of sessions by owner."""
        keys = owner * SPAN + seconds
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], order, np.append(0, resumed[order].cumsum()))

    def before(self, owner: Ints, seconds: Ints) -> tuple[Ints, Ints]:
        """Return from where to where the sessions of each owner before each moment stand, none of an owner of -1."""
        start = np.searchsorted(self.keys, owner * SPAN)
        end = np.searchsorted(self.keys, owner * SPAN + seconds)
        return start, np.where(owner < 0, start, end)

    def counts(self, owner: Ints, seconds: Ints) -> tuple[Ints, Ints]:
        """Return how many sessions each owner had before each moment, and how many of them resumed a title."""
        start, end = self.before(owner, seconds)
        return end - start, self.resumed[end] - self.resumed[start]


@dataclass(frozen=True, slots=True)
class History:
    """What users have watched, one row a session, in the order of the table."""

    user: Ints
    title: Ints
    seconds: Ints
    """Since 1970."""
    next_seconds: Ints
    """Of the user's next session with the title, NEVER if there is none."""
    reached: Floats
    """Episodes watched after the session, such as 2.4."""
    episodes: Ints
    plays: Ints
    """Sessions of the user with the title so far, this one included."""
    first_reached: Floats
    """After the user's first session with the title."""
    resumes: Flags
    """Whether the session resumed a title that was not finished."""
    device: npt.NDArray[np.object_]
    user_ids: pd.Index
    title_ids: pd.Index
    by_user: Timeline
    by_title: Timeline

    @classmethod
    def of(cls, sessions: Sessions, *, finished: float) -> "History":
        """Return the history of sessions; a title is finished when `finished` of its last episode was watched."""
        users, user_ids = pd.factorize(sessions["user_id"], sort=True)
        titles, title_ids = pd.factorize(sessions["title_id"], sort=True)
        user, title, seconds = users.astype(np.int64), titles.astype(np.int64), seconds_of(sessions["time"])
        reached = (sessions["episode"] - 1 + sessions["fraction"]).to_numpy("f8")
        episodes = sessions["episodes"].to_numpy(np.int64)
        frame = pd.DataFrame({"user": user, "title": title, "seconds": seconds, "reached": reached})
        frame["open"] = is_open(reached, episodes, finished)
        grouped = frame.sort_values("seconds", kind="stable").groupby(["user", "title"], sort=False)
        resumes = grouped["open"].shift(1, fill_value=False).sort_index().to_numpy(bool)
        return cls(
            user=user,
            title=title,
            seconds=seconds,
            next_seconds=grouped["seconds"].shift(-1, fill_value=NEVER).sort_index().to_numpy(np.int64),
            reached=reached,
            episodes=episodes,
            plays=(grouped.cumcount() + 1).sort_index().to_numpy().astype(np.int64),
            first_reached=grouped["reached"].transform("first").sort_index().to_numpy("f8"),
            resumes=resumes,
            device=sessions["device"].to_numpy(object),
            user_ids=pd.Index(user_ids),
            title_ids=pd.Index(title_ids),
            by_user=Timeline.of(user, seconds, resumes),
            by_title=Timeline.of(title, seconds, resumes),
        )


def is_open(reached: Floats, episodes: Ints, finished: float) -> Flags:
    """Return whether a title of so many episodes was left before its end."""
    return reached < episodes - 1 + finished


def seconds_of(times: pd.Series) -> Ints:
    """Return seconds since 1970."""
    seconds: Ints = times.astype("datetime64[ns, UTC]").to_numpy("M8[s]").astype(np.int64)
    return seconds
