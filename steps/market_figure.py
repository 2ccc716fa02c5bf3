"""The picture of a choice: what every model of every market earned, and which one was taken."""

from collections.abc import Mapping
from typing import Any

import altair

from .market_models import MARKET_MODELS, Choice

COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#72b7b2", "#e45756", "#b279a2", "#ff9da6")
WIDTH, ROW = 420, 18


def market_figure(choices: Mapping[str, Choice], level: float, sure: float) -> altair.LayerChart:
    """Return the interval of nDCG@10 of each model in each market, the mean as a point; the chosen one is filled.

    level: of these intervals. sure: of those of the gain over the global model that unusual challengers are chosen by.
    """
    drawn = altair.Chart(altair.InlineData(values=_rows(choices)))
    beside = altair.Y("market:N", sort=list(choices), title=None)
    within = altair.YOffset("model:N", sort=list(MARKET_MODELS))
    coloured = altair.Color("model:N", scale=altair.Scale(domain=list(MARKET_MODELS), range=list(COLOURS)), title=None)
    told = [altair.Tooltip(f"{name}:N") for name in ("market", "model", "ndcg", "gain", "users", "reason")]
    shown = {"y": beside, "yOffset": within, "color": coloured, "tooltip": told}
    across = altair.X("low:Q", title="nDCG@10", scale=altair.Scale(zero=False, padding=10))
    intervals = drawn.mark_rule(strokeWidth=2).encode(x=across, x2="high:Q", **shown)
    means = drawn.mark_point(size=70, strokeWidth=2, opacity=1).encode(
        x="mean:Q", fill=altair.condition(altair.datum.chosen, coloured, altair.value("white")), **shown
    )
    title = altair.TitleParams(
        "The model of each market",
        subtitle=[
            f"nDCG@10 on the tuning slice with {level:.0%} intervals over users; the chosen model is filled",
            f"chosen by the gain over the global model, paired by user: {level:.0%} intervals of the usual challenger, "
            f"{sure:.1%} of others",
        ],
        anchor="start",
    )
    height = altair.Step(step=ROW, **{"for": "offset"})
    layers = altair.layer(intervals, means, title=title, width=WIDTH, height=height)
    assert isinstance(layers, altair.LayerChart), "charts without facets are layered as one"
    return layers


def _rows(choices: Mapping[str, Choice]) -> list[dict[str, Any]]:
    return [
        {
            "market": market,
            "model": model,
            "mean": choice.ndcg[model].mean,
            "low": choice.ndcg[model].low,
            "high": choice.ndcg[model].high,
            "ndcg": str(choice.ndcg[model]),
            "gain": str(choice.gain.get(model, "")),
            "users": choice.users,
            "chosen": model == choice.model,
            "reason": choice.reason if model == choice.model else "",
        }
        for market, choice in choices.items()
        for model in choice.ndcg
    ]
