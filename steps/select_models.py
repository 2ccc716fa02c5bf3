"""Which model serves each market."""

from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

import altair
import numpy as np
import pandas as pd
from pydantic import Field

from kaon.dsl import step

from .market_figure import market_figure
from .market_models import BLENDS, MARKET_MODELS, Choice, MarketChoices, MarketModel, MarketScores
from .ranking import Floats, Interval, bootstrap_interval
from .shrinkage import probable_gain

Judged = Mapping[str, Mapping[MarketModel, Floats]]
"""nDCG@10 of every user of every market by every model."""

Measure = Callable[[Floats], Interval]


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
    global model, paired by user, lies above `minimum_gain`: the market is better served by a model of its own.

    Which challenger is asked of all markets together, since to take the best one of each market costs about as much
    as it gains: they differ by less than one market can tell. The usual challenger is the better blend, which knows
    what the others know, or one that is better with evidence over the users of all large markets. A market with
    evidence for it takes it, or what is better than it with evidence in the market itself; a market with evidence for
    others only takes the one with the largest mean gain.

    A market without evidence of its own, or with too few judged users for any, goes by all: if the large markets, two
    at least, have evidence together, it takes the same challenger where it probably gains more than `minimum_gain`:
    what its own users say, drawn towards what large markets gain (see shrinkage). Else the global model serves it.

    als_scores: of the ALS model of all markets.
    minimum_users: judged users below which a market cannot choose for itself.
    minimum_gain: the gain in nDCG@10 that the whole interval must exceed; above zero, since challengers were stopped at
        their best on the same slice, and other days follow.
    level: of an interval; of the gains of all challengers but the usual one together: each is wider, so that the more
        of them there are, none the more easily has evidence by chance (Bonferroni). The usual one is asked first,
        as if it were alone.
    resamples: bootstrap samples per interval.
    seed: of the bootstrap.
    """
    unjudged = MarketScores("", {"als": ()} if als_scores else {})
    ndcg = {market: _values(scores, als_scores.get(market, unjudged)) for market, scores in market_scores.items()}

    def interval(of: Floats) -> Interval:
        return bootstrap_interval(of, seed=seed, resamples=resamples, level=level)

    def sure_interval(of: Floats) -> Interval:
        return bootstrap_interval(of, seed=seed, resamples=resamples, level=sure)

    base: MarketModel = "als" if interval(_gain_of_als(ndcg)).low > minimum_gain else "tower"
    challengers = [name for name in MARKET_MODELS if name != base and any(name in own for own in ndcg.values())]
    sure = 1 - (1 - level) / max(1, len(challengers))
    large = {market: own for market, own in ndcg.items() if len(own["tower"]) >= minimum_users}
    usual = _usual_challenger(large, challengers, sure_interval)
    gain = {
        market: {
            name: (interval if name == usual else sure_interval)(of - own[base])
            for name, of in own.items()
            if name != base
        }
        for market, own in ndcg.items()
    }
    proven = {market: [name for name, of in gain[market].items() if of.low > minimum_gain] for market in large}
    shared, over_all = _shared_gain(large, base, usual, challengers, sure_interval) or (base, None)
    choices = {}
    for market, own in ndcg.items():
        users, model, reason = len(own[base]), base, f"no challenger's gain is above {minimum_gain:g} with evidence"
        if market in large and proven[market]:
            model, why = _best_proven(own, proven[market], gain[market], usual, sure_interval)
            reason = f"gains {gain[market][model]} over {base}{why}"
        elif over_all and over_all.low > minimum_gain and _probable(own, large, shared, base) > minimum_gain:
            model, reason = shared, f"probably gains: {over_all} over {base} in all large markets together"
        elif market not in large:
            reason = f"{users} judged users are fewer than {minimum_users}"
        choices[market] = Choice(model, reason, users, {name: interval(of) for name, of in own.items()}, gain[market])
    return Selection(MarketChoices(choices, base, usual), _table(choices), market_figure(choices, level, sure))


def _values(scores: MarketScores, als: MarketScores) -> dict[MarketModel, Floats]:
    """Return nDCG@10 of every model that was judged in a market, in the order of MARKET_MODELS."""
    found = {**scores.ndcg, **als.ndcg}
    return {model: np.asarray(found[model], dtype="f8") for model in MARKET_MODELS if model in found}


def _gain_of_als(ndcg: Judged) -> Floats:
    """Return what ALS of all markets adds to the towers of all markets, for each user of a market that judged both."""
    return np.concatenate([np.empty(0), *(own["als"] - own["tower"] for own in ndcg.values() if "als" in own)])


def _together(large: Judged, name: MarketModel) -> Floats:
    """Return what a model earned with the users of all large markets."""
    return np.concatenate([own[name] for own in large.values()])


def _probable(own: Mapping[MarketModel, Floats], large: Judged, name: MarketModel, base: MarketModel) -> float:
    """Return what a market that judged a model probably gains by it over the global one; 0 for one that did not."""
    gains = [of[name] - of[base] for of in large.values()]
    return probable_gain(own[name] - own[base], gains) if name in own else 0.0


def _judged_everywhere(large: Judged, challengers: list[MarketModel]) -> dict[MarketModel, float]:
    """Return the mean over users of each challenger that every large market judged."""
    always = [name for name in challengers if large and all(name in own for own in large.values())]
    return {name: float(_together(large, name).mean()) for name in always}


def _usual_challenger(large: Judged, challengers: list[MarketModel], interval: Measure) -> MarketModel | None:
    """Return the better blend, or what the users of all large markets together say is better with evidence.

    None where no blend was judged.
    """
    mean = _judged_everywhere(large, challengers)
    blends = [name for name in mean if name in BLENDS]
    if not blends:
        return None
    blend = max(blends, key=lambda name: mean[name])
    best = max(mean, key=lambda name: mean[name])
    return best if interval(_together(large, best) - _together(large, blend)).low > 0 else blend


def _shared_gain(
    large: Judged, base: MarketModel, usual: MarketModel | None, challengers: list[MarketModel], interval: Measure
) -> tuple[MarketModel, Interval] | None:
    """Return what markets without evidence of their own could share, and what the users of large markets gain by it.

    It is the usual challenger, or the best of others where no blend was judged. None unless two markets speak for it.
    """
    mean = _judged_everywhere(large, challengers)
    if len(large) < 2 or not mean:
        return None
    best = max(mean, key=lambda name: mean[name])
    shared = usual or best
    return shared, interval(_together(large, shared) - _together(large, base))


def _best_proven(
    own: Mapping[MarketModel, Floats],
    proven: list[MarketModel],
    gain: Mapping[MarketModel, Interval],
    usual: MarketModel | None,
    interval: Measure,
) -> tuple[MarketModel, str]:
    """Return which of the challengers that are better than the global model serves the market, and what speaks for it.

    The usual one, if it is one of them, unless another is better than it with evidence.
    """
    best_first = sorted(proven, key=lambda name: -gain[name].mean)
    if usual is None or usual not in proven:
        return best_first[0], ""
    for name in best_first[: best_first.index(usual)]:
        over = interval(own[name] - own[usual])
        if over.low > 0:
            return name, f", and {over} over {usual}, which is the usual challenger"
    return usual, "; it is the usual challenger"


def _table(choices: Mapping[str, Choice]) -> pd.DataFrame:
    rows = []
    for market, choice in choices.items():
        row: dict[str, object] = {"market": market, "users": choice.users}
        for model, measured in choice.ndcg.items():
            row |= {model: measured.mean, f"{model}_low": measured.low, f"{model}_high": measured.high}
        rows.append(row | {"chosen": choice.model, "reason": choice.reason})
    return pd.DataFrame(rows)
