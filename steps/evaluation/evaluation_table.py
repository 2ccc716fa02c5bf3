"""One tidy table of every model's metrics, over all users, in each market and for each bucket of activity."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..ranking import METRICS, Floats, Interval, Ranks, Rows, bootstrap_intervals
from .activity import activity_buckets
from .beyond_accuracy import coverage, intra_list_diversity, novelty

Mask = npt.NDArray[np.bool_]

COLUMNS = ("model", "by", "group", "metric", "value", "low", "high", "users")


@dataclass(frozen=True, slots=True, eq=False)
class Audience:
    """Whom the models are judged for, and what they choose from."""

    markets: tuple[str, ...]
    market: Rows
    """Number of each user's market, -1 where it is not known, shape (users,)."""
    history: Rows
    """How many items each user met before, shape (users,)."""
    catalogue: Mask
    """What each market offers, shape (markets, items)."""
    met: npt.NDArray[np.floating]
    """How many users met each item before, shape (items,)."""
    population: int
    """How many users there were before."""
    vectors: npt.NDArray[np.floating]
    """Vectors by whose cosine two items are alike, shape (items, dim)."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one model did for the audience."""

    ranks: Ranks
    """Of the relevant items."""
    lists: Rows
    """The first items of each user's list, -1 beyond its end, shape (users, k)."""


def evaluation_table(
    outcomes: Mapping[str, Outcome],
    audience: Audience,
    *,
    edges: Sequence[int],
    seed: int = 0,
    resamples: int = 1000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return a row for each model, group of users and metric, in that order.

    Columns: model; by (all, market or activity) and group, which say whose users; metric; value; low and high, the
    bootstrap interval over users; users. The metrics are those of `ranking.METRICS` at the length of the lists, then
    novelty (bits), intra-list diversity and coverage. Coverage is no mean over users and has no interval: NaN.

    outcomes: by the model's name, all for the same users and with lists of the same length.
    edges: of the activity buckets.
    seed, resamples, level: of the bootstrap; every model and metric is resampled by the same draws of users.
    """
    per_user = {name: _per_user(outcome, audience) for name, outcome in outcomes.items()}
    values = np.concatenate([np.stack(list(metrics.values()), axis=1) for metrics in per_user.values()], axis=1)
    columns = [(model, metric) for model, metrics in per_user.items() for metric in metrics]
    rows = []
    for by, group, mine in _groups(audience, edges):
        intervals = bootstrap_intervals(values[mine], seed=seed, resamples=resamples, level=level)
        measured = dict(zip(columns, intervals, strict=True))
        for model, outcome in outcomes.items():
            rows += [_row(model, by, group, metric, measured[model, metric]) for metric in per_user[model]]
            rows.append(_covered(model, by, group, outcome, audience, mine))
    order = {model: place for place, model in enumerate(outcomes)}
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(
        "model", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def _per_user(outcome: Outcome, audience: Audience) -> dict[str, Floats]:
    k = outcome.lists.shape[1]
    values = {f"{name}@{k}": metric(k, outcome.ranks) for name, metric in METRICS.items()}
    values[f"novelty@{k}"] = novelty(outcome.lists, audience.met, audience.population)
    values[f"diversity@{k}"] = intra_list_diversity(outcome.lists, audience.vectors)
    return values


def _groups(audience: Audience, edges: Sequence[int]) -> Iterator[tuple[str, str, Mask]]:
    """Yield what a group is by, its name and its users; groups without users are left out."""
    yield "all", "all", np.ones(len(audience.market), dtype=bool)
    bucket, names = activity_buckets(audience.history, edges)
    for by, number, called in (("market", audience.market, audience.markets), ("activity", bucket, names)):
        yield from ((by, name, number == place) for place, name in enumerate(called) if (number == place).any())


def _row(model: str, by: str, group: str, metric: str, measured: Interval) -> tuple[object, ...]:
    return model, by, group, metric, measured.mean, measured.low, measured.high, measured.users


def _covered(model: str, by: str, group: str, outcome: Outcome, audience: Audience, mine: Mask) -> tuple[object, ...]:
    """Return the row of coverage: of what the markets of the group's users offer, of everything if one is unknown."""
    places = np.unique(audience.market[mine])
    theirs = audience.catalogue[places] if places.min(initial=0) >= 0 else audience.catalogue
    offered = max(1, int(theirs.any(axis=0).sum()))
    lists = outcome.lists[mine]
    value = coverage(lists, offered)
    return model, by, group, f"coverage@{lists.shape[1]}", value, np.nan, np.nan, int(mine.sum())
