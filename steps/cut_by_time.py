"""What was known yesterday, what is known today, and what judges both."""

from datetime import UTC, datetime
from typing import Annotated, NamedTuple

import pandas as pd
from pydantic import Field

from kaon.dsl import step

from .interactions import Interactions

Share = Annotated[float, Field(gt=0, lt=1)]


class Cut(NamedTuple):
    """Three slices, cut by time for all users at once; today's begins with yesterday's."""

    yesterday: Interactions
    today: Interactions
    judged: Interactions
    """After today."""


class NothingToCut(ValueError):
    """The interactions have no time, or a slice of them would be empty."""


@step
def cut_by_time(
    interactions: Interactions, *, as_of: datetime | None = None, new: Share = 0.1, judged: Share = 0.1
) -> Cut:
    """Return the interactions of before yesterday's end, of before today's, and of after it.

    as_of: when today ends; without, so that the last interactions are the share `judged`. What comes after is judged.
    new: share of today's interactions that came since yesterday.
    judged: share of all interactions that comes after today, where `as_of` is not given.
    """
    if "time" not in interactions:
        raise NothingToCut(
            "these interactions have no time, so nobody knows which of them are new: "
            "choose a data set with time, such as select_users.dataset=movielens-small"
        )
    time = interactions["time"]
    end = pd.Timestamp(as_of or time.quantile(1 - judged, interpolation="higher"))
    end = end.tz_localize(UTC) if end.tzinfo is None else end
    before = time[time < end]
    if before.empty or not (time >= end).any():
        raise NothingToCut(
            f"as_of {end:%Y-%m-%d %H:%M} leaves {len(before)} of {len(time)} interactions to train on: "
            f"choose a time between {time.min():%Y-%m-%d} and {time.max():%Y-%m-%d}"
        )
    start = before.quantile(1 - new, interpolation="higher")
    if not (before < start).any():
        raise NothingToCut(
            f"all interactions before {end:%Y-%m-%d %H:%M} are of one moment, so that nothing is left for yesterday: "
            "choose a later as_of"
        )
    return Cut(*(_rows(interactions, chosen) for chosen in (time < start, time < end, time >= end)))


def _rows(interactions: Interactions, chosen: pd.Series) -> Interactions:
    return Interactions(interactions[chosen].reset_index(drop=True))
