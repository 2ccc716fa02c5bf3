"""What could be resumed at the beginning of every session, cut by time into what trains, what places and what tests."""

from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from kaon.dsl import current_step, step

from .continue_watching.candidates import Candidates, candidates, with_continuation
from .continue_watching.history import History
from .continue_watching.resumable import resumable
from .continue_watching.sessions import Sessions

Share = Annotated[float, Field(gt=0, lt=1)]


class Moments(NamedTuple):
    """The candidates of the sessions of three periods, one after the other."""

    ranking_moments: Candidates
    placing_moments: Candidates
    test_moments: Candidates


class NothingResumed(ValueError):
    """A period has no session that resumed a title, so it can neither teach nor test."""


@step
def find_resumable(
    sessions: Sessions,
    *,
    finished: Share = 0.95,
    at_most: Annotated[int, Field(gt=0)] = 8,
    days: Annotated[int, Field(gt=0)] = 60,
    history: Share = 0.3,
    placing: Share = 0.2,
    test: Share = 0.2,
) -> Moments:
    """Return the titles that could be resumed at every session, with what was known about them before it.

    Everything is cut by time, for all users at once: the first sessions are history alone, the next teach the ranker,
    those after them the odds of a continuation, and the latest test both.

    finished: share of a title's last episode after which it is not offered.
    at_most: titles that are offered at once, the latest ones.
    days: after which a title that was left is not offered.
    history: share of the sessions that only later ones look back on.
    placing: share that the odds are learnt from.
    test: share that nothing but the last report reads.

    Raises NothingResumed if no session of a period resumed a title that was offered.
    """
    if history + placing + test >= 1:
        raise ValueError(
            f"the shares of find_resumable take {history + placing + test:.2f} of 1 and leave nothing to rank: "
            f"history={history}, placing={placing}, test={test}; lower one of them"
        )
    past = History.of(sessions, finished=finished)
    found = candidates(resumable(past, sessions, finished=finished, at_most=at_most, days=days), sessions)
    shares = np.cumsum([history, 1 - history - placing - test, placing])
    cuts = sessions["time"].quantile(shares, interpolation="higher").to_numpy()
    period = np.searchsorted(cuts, sessions["time"].to_numpy()[found["moment"]], side="right")
    current_step().log(f"{len(found)} candidates of {found['moment'].nunique()} of {len(sessions)} sessions")
    moments = Moments(*(Candidates(found[period == number].reset_index(drop=True)) for number in (1, 2, 3)))
    _check(moments, f"{len(sessions)} sessions of {sessions['user_id'].nunique()} users")
    return moments


def _check(moments: Moments, given: str) -> None:
    empty = [name.partition("_")[0] for name, table in moments._asdict().items() if with_continuation(table).empty]
    if empty:
        raise NothingResumed(
            f"in the period{'s' if len(empty) > 1 else ''} for {', '.join(empty)} no session resumed a title that was "
            f"offered, of {given}: give more sessions, or offer more (find_resumable.at_most, .days, .finished), or "
            "change the periods (find_resumable.history, .placing, .test)"
        )
