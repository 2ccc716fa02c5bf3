"""How good the odds of a continuation are, beside what the time since the last title tells alone."""

from typing import Annotated, NamedTuple

import altair
import numpy as np
import pandas as pd
import xgboost
from pydantic import Field

from kaon.artifacts import Metrics
from kaon.dsl import current_step, step

from .continue_watching.candidates import Candidates, continued, odds_of, users_of
from .continue_watching.history import Flags, Floats
from .continue_watching.judging import auc, interval_over_users, log_losses, mean_over_users


class Judged(NamedTuple):
    """The measures, and whether what is called likely happens as often."""

    continuation_metrics: Metrics
    reliability: pd.DataFrame
    """A row a bin of sessions with like odds: odds, happened (shares), low and high (its 95 % interval), sessions."""
    reliability_figure: altair.LayerChart


@step
def evaluate_continuation(
    placing_moments: Candidates,
    test_moments: Candidates,
    resume_ranker: xgboost.Booster,
    continuation: xgboost.Booster,
    source: str,
    *,
    bins: Annotated[int, Field(ge=2)] = 10,
    seed: int = 0,
) -> Judged:
    """Return AUC, log loss and calibration over the test sessions in which something could be resumed.

    `auc.recency` and `log_loss.recency` are the baseline's: the later a title was left, the likelier it is resumed, by
    shares of the placing sessions. `.gain` is the difference in the same sessions (of the log loss, what is saved),
    `.low` and `.high` are 95 % intervals over users, `calibration_error` the mean distance between odds and shares.

    bins: of the reliability table, with as many sessions in each.
    seed: of the bootstrap.
    """
    happened, users = continued(test_moments), users_of(test_moments)
    if happened.all():
        current_step().log("all of the test sessions continued, so no order is better than another: AUC says nothing")
    odds, recent = odds_of(continuation, resume_ranker, test_moments), -_days_away(test_moments)
    by_recency = _shares_by_recency(placing_moments, recent, bins)
    measured = {
        "auc": interval_over_users(lambda weights: auc(odds, happened, weights), users, seed=seed),
        "auc.recency": interval_over_users(lambda weights: auc(recent, happened, weights), users, seed=seed),
        "auc.gain": interval_over_users(
            lambda weights: auc(odds, happened, weights) - auc(recent, happened, weights), users, seed=seed
        ),
        "log_loss": mean_over_users(log_losses(odds, happened), users, seed=seed),
        "log_loss.recency": mean_over_users(log_losses(by_recency, happened), users, seed=seed),
        "log_loss.gain": mean_over_users(
            log_losses(by_recency, happened) - log_losses(odds, happened), users, seed=seed
        ),
    }
    table = _reliability(odds, happened, bins)
    metrics = {"sessions": float(len(users)), "continuations": float(happened.mean())}
    for name, interval in measured.items():
        metrics |= {name: interval.mean, f"{name}.low": interval.low, f"{name}.high": interval.high}
    off = (table["odds"] - table["happened"]).abs()
    metrics["calibration_error"] = float(np.average(off, weights=table["sessions"]))
    current_step().metrics(metrics)
    return Judged(Metrics(metrics), table, _figure(table, source))


def _days_away(table: Candidates) -> Floats:
    """Return how long ago the latest title was left, at each session."""
    return table.loc[~table.duplicated("moment"), "days_away"].to_numpy("f8")


def _shares_by_recency(learnt_from: Candidates, recent: Floats, bins: int) -> Floats:
    known, happened = -_days_away(learnt_from), continued(learnt_from)
    edges = np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])
    place = np.searchsorted(edges, known)
    shares = (np.bincount(place, happened, bins) + 1) / (np.bincount(place, minlength=bins) + 2)
    taken: Floats = shares[np.searchsorted(edges, recent)]
    return taken


def _reliability(odds: Floats, happened: Flags, bins: int) -> pd.DataFrame:
    """Return a row a bin, with Wilson's interval of the share."""
    rows = []
    for part in np.array_split(np.argsort(odds, kind="stable"), bins):
        count, share = len(part), happened[part].mean()
        z = 1.96
        middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
        half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
        rows.append((odds[part].mean(), share, middle - half, middle + half, count))
    return pd.DataFrame(rows, columns=["odds", "happened", "low", "high", "sessions"])


def _figure(table: pd.DataFrame, source: str) -> altair.LayerChart:
    share = altair.Axis(format=".0%")
    bounds = altair.Scale(domain=[0, 1])
    right = pd.DataFrame({"odds": [0.0, 1.0], "happened": [0.0, 1.0]})
    diagonal = altair.Chart(right).mark_line(strokeDash=[4, 4], color="gray").encode(x="odds:Q", y="happened:Q")
    found = altair.Chart(table).encode(
        x=altair.X("odds:Q", title="odds of a continuation", axis=share, scale=bounds),
        tooltip=["odds", "happened", "sessions"],
    )
    dots = found.mark_line(point=True).encode(
        y=altair.Y("happened:Q", title="sessions that continued", axis=share, scale=bounds)
    )
    bars = found.mark_rule().encode(y="low:Q", y2="high:Q")
    chart = altair.LayerChart(layer=[diagonal, bars, dots])
    title = altair.TitleParams("Odds and what happened", subtitle=source)
    return chart.properties(title=title, width=320, height=320)
