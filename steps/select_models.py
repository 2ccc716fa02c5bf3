"""Which model serves each market."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import altair
import numpy as np
import pandas as pd
from pydantic import Field

from kaon.dsl import step

from .market_figure import market_figure
from .market_models import MARKET_MODELS, Choice, MarketChoices, MarketModel, MarketScores
from .ranking import Floats, Interval, bootstrap_interval


class Selection(NamedTuple):
    """The choices, a table of them with a row a market, and their picture."""

    choices: MarketChoices
    market_table: pd.DataFrame
    market_figure: altair.LayerChart


@step
def select_models(
    market_scores: Mapping[str, MarketScores],
    als_scores: dict[str, MarketScores],
    *,
    minimum_users: Annotated[int, Field(ge=1)] = 200,
    minimum_gain: Annotated[float, Field(ge=0)] = 0.003,
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95,
    resamples: Annotated[int, Field(ge=100)] = 1000,
    seed: int = 0,
) -> Selection:
    """Return the model of each market: the global one, unless a challenger is better with evidence.

    The global model is the towers of all markets, or ALS of all markets where it is better with evidence over all
    users: both know every market. There is evidence for a challenger if the bootstrap interval of its gain over the
    global model, paired by user, lies above `minimum_gain`: the market is better served by a model of its own. Of its
    own models the one with the largest mean gain is chosen, since their difference is no reason to fall back on the
    global one. A market with too few judged users goes by the others: it takes what is better with evidence in each of
    them, if there are at least two and something is, else the global model.

    als_scores: of the ALS model of all markets.
    minimum_users: judged users below which a market cannot choose for itself.
    minimum_gain: the gain in nDCG@10 that the whole interval must exceed; above zero, since challengers were stopped at
        their best on the same slice, and other days follow.
    level: of the intervals.
    resamples: bootstrap samples per interval.
    seed: of the bootstrap.
    """
    unjudged = MarketScores("", {"als": ()} if als_scores else {})
    ndcg = {market: _values(scores, als_scores.get(market, unjudged)) for market, scores in market_scores.items()}

    def interval(of: Floats) -> Interval:
        return bootstrap_interval(of, seed=seed, resamples=resamples, level=level)

    base: MarketModel = "als" if interval(_gain_of_als(ndcg)).low > minimum_gain else "tower"
    gain = {
        market: {name: interval(of - own[base]) for name, of in own.items() if name != base}
        for market, own in ndcg.items()
    }
    judged = [market for market, own in ndcg.items() if len(own[base]) >= minimum_users]
    elsewhere = _better_everywhere([gain[market] for market in judged], minimum_gain)
    choices = {}
    for market, own in ndcg.items():
        users = len(own[base])
        if market in judged:
            model, reason = _chosen(base, gain[market], minimum_gain)
        else:
            model, reason = elsewhere or base, f"{users} judged users are fewer than {minimum_users}"
            reason += f"; {elsewhere} is better in every other market" if elsewhere else ""
        choices[market] = Choice(model, reason, users, {name: interval(of) for name, of in own.items()}, gain[market])
    return Selection(MarketChoices(choices, base), _table(choices), market_figure(choices, level))


def _values(scores: MarketScores, als: MarketScores) -> dict[MarketModel, Floats]:
    """Return nDCG@10 of every model that was judged in a market, in the order of MARKET_MODELS."""
    found = {**scores.ndcg, **als.ndcg}
    return {model: np.asarray(found[model], dtype="f8") for model in MARKET_MODELS if model in found}


def _gain_of_als(ndcg: Mapping[str, Mapping[MarketModel, Floats]]) -> Floats:
    """Return what ALS of all markets adds to the towers of all markets, for each user of a market that judged both."""
    return np.concatenate([np.empty(0), *(own["als"] - own["tower"] for own in ndcg.values() if "als" in own)])


def _better_everywhere(gains: list[dict[MarketModel, Interval]], minimum_gain: float) -> MarketModel | None:
    """Return the challenger that is better with evidence in each of at least two markets, the best one on average."""
    if len(gains) < 2:
        return None
    proven = [name for name in MARKET_MODELS if all(name in own and own[name].low > minimum_gain for own in gains)]
    return max(proven, key=lambda name: sum(own[name].mean for own in gains), default=None)


def _chosen(base: MarketModel, gain: Mapping[MarketModel, Interval], minimum_gain: float) -> tuple[MarketModel, str]:
    if all(interval.low <= minimum_gain for interval in gain.values()):
        return base, f"no challenger's gain is above {minimum_gain:g} with evidence"
    best = max(gain, key=lambda name: gain[name].mean)
    return best, f"gains {gain[best]} over {base}"


def _table(choices: Mapping[str, Choice]) -> pd.DataFrame:
    rows = []
    for market, choice in choices.items():
        row: dict[str, object] = {"market": market, "users": choice.users}
        for model, measured in choice.ndcg.items():
            row |= {model: measured.mean, f"{model}_low": measured.low, f"{model}_high": measured.high}
        rows.append(row | {"chosen": choice.model, "reason": choice.reason})
    return pd.DataFrame(rows)
