"""Where the continue-watching row stands on the page, by the odds that the session goes on with something."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import xgboost

from kaon.artifacts import Metrics
from kaon.dsl import current_step, step

from .continue_watching.candidates import Candidates, continued, odds_of
from .continue_watching.rows import positions


class Placement(NamedTuple):
    """What the rule does to the test sessions."""

    row_positions: pd.DataFrame
    """A row a position: position, odds_from (its threshold), sessions (share), continuations (share of those)."""
    placement_metrics: Metrics


@step
def place_row(
    test_moments: Candidates,
    resume_ranker: xgboost.Booster,
    continuation: xgboost.Booster,
    *,
    thresholds: tuple[float, ...] = (0.6, 0.4, 0.2),
) -> Placement:
    """Return how often the row stands at which position, and how often the session then goes on with something.

    Metrics: the mean position in sessions that continue and in those that discover, and the share of the continuations
    that find the row first on the page.

    thresholds: the row stands first from the first of these odds on, second from the second on, and so on.
    """
    if list(thresholds) != sorted(thresholds, reverse=True) or not all(0 < value < 1 for value in thresholds):
        raise ValueError(f"place_row.thresholds must fall, between 1 and 0, as 0.6, 0.4, 0.2 do: {list(thresholds)}")
    odds, happened = odds_of(continuation, resume_ranker, test_moments), continued(test_moments)
    place = positions(odds, thresholds)
    lowest = np.array([*thresholds, 0.0])
    table = pd.DataFrame(
        {
            "position": np.arange(1, len(lowest) + 1),
            "odds_from": lowest,
            "sessions": [(place == number).mean() for number in range(1, len(lowest) + 1)],
            "continuations": [
                happened[place == number].mean() if (place == number).any() else np.nan
                for number in range(1, len(lowest) + 1)
            ],
        }
    )
    metrics = {
        "position.continuations": float(place[happened].mean()),
        "position.discoveries": float(place[~happened].mean()),
        "continuations.first": float((place[happened] == 1).mean()),
        "discoveries.first": float((place[~happened] == 1).mean()),
    }
    current_step().metrics(metrics)
    return Placement(table, Metrics(metrics))
