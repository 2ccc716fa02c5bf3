"""Which tower serves each market."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import altair
import numpy as np
import pandas as pd
from pydantic import Field

from kaon.dsl import step

from .market_figure import market_figure
from .market_models import MARKET_MODELS, Choice, MarketChoices, MarketModel, MarketScores
from .ranking import Interval, bootstrap_interval


class Selection(NamedTuple):
    """The choices, a table of them with a row a market, and their picture."""

    choices: MarketChoices
    market_table: pd.DataFrame
    market_figure: altair.LayerChart


@step
def select_models(
    market_scores: Mapping[str, MarketScores],
    *,
    minimum_users: Annotated[int, Field(ge=1)] = 100,
    minimum_gain: Annotated[float, Field(ge=0)] = 0.003,
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95,
    resamples: Annotated[int, Field(ge=100)] = 1000,
    seed: int = 0,
) -> Selection:
    """Return the model of each market: the global one, unless a challenger is better with evidence.

    There is evidence if the bootstrap interval of a challenger's gain over the global model, paired by user, lies above
    `minimum_gain`, be it the local or the fine-tuned one: the market is better served by a model of its own. Of its own
    models the one with the larger mean gain is chosen, since their difference is no reason to fall back on the global.

    minimum_users: a market with fewer judged users keeps the global model.
    minimum_gain: the gain in nDCG@10 that the whole interval must exceed; above zero, since challengers were stopped at
        their best on the same slice, and other days follow.
    level: of the intervals.
    resamples: bootstrap samples per interval.
    seed: of the bootstrap.
    """
    choices = {}
    for market, scores in market_scores.items():
        values = {model: np.asarray(scores.ndcg[model], dtype="f8") for model in MARKET_MODELS}

        def interval(of: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Interval:
            return bootstrap_interval(of, seed=seed, resamples=resamples, level=level)

        gain: dict[MarketModel, Interval] = {
            model: interval(values[model] - values["global"]) for model in MARKET_MODELS if model != "global"
        }
        model, reason = _chosen(gain, scores.users, minimum_users, minimum_gain)
        ndcg = {name: interval(of) for name, of in values.items()}
        choices[market] = Choice(model, reason, scores.users, ndcg, gain)
    return Selection(MarketChoices(choices), _table(choices), market_figure(choices, level))


def _chosen(
    gain: Mapping[MarketModel, Interval], users: int, minimum_users: int, minimum_gain: float
) -> tuple[MarketModel, str]:
    if users < minimum_users:
        return "global", f"{users} judged users are fewer than {minimum_users}"
    if all(interval.low <= minimum_gain for interval in gain.values()):
        return "global", f"no challenger's gain is above {minimum_gain:g} with evidence"
    best = max(gain, key=lambda model: gain[model].mean)
    return best, f"gains {gain[best]} over global"


def _table(choices: Mapping[str, Choice]) -> pd.DataFrame:
    rows = []
    for market, choice in choices.items():
        row: dict[str, object] = {"market": market, "users": choice.users}
        for model in MARKET_MODELS:
            measured = choice.ndcg[model]
            row |= {model: measured.mean, f"{model}_low": measured.low, f"{model}_high": measured.high}
        rows.append(row | {"chosen": choice.model, "reason": choice.reason})
    return pd.DataFrame(rows)
