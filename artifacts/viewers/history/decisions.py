"""Which model served each market, over runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...artifact import Artifact
from ..blocks import Block, Chart, Grid, Note, RunLink
from ..charts import SCHEMA
from ..decisions import decisions, is_decisions
from ..moment import Moment
from .series import over_runs


class DecisionsHistory:
    """A square for each market and run, coloured by the model that was chosen; then the chosen model's measure."""

    name = "decisions"
    title = "Market decisions over runs"

    def fits(self, artifact: Artifact) -> int:
        return 4 if is_decisions(artifact) else 0

    def view(self, moments: Sequence[Moment]) -> Iterable[Block]:
        known = [
            decisions(moment.opened) if moment.artifact and is_decisions(moment.artifact) else [] for moment in moments
        ]
        markets = list(dict.fromkeys(one.market for found in known for one in found))
        if not markets:
            return [Note("None of these runs has decided on a market.")]
        chosen = [{one.market: one.model for one in found} for found in known]
        values = [
            {"run": moment.run, "market": market, "chosen": models.get(market, "none"), "link": RunLink(moment.run).to}
            for moment, models in zip(moments, chosen, strict=True)
            for market in markets
        ]
        rows = tuple(
            (RunLink(moment.run), *(models.get(market) for market in markets))
            for moment, models in zip(moments, chosen, strict=True)
        )
        measured = [
            {one.market: one.measured[one.model][0] for one in found if one.model in one.measured} for found in known
        ]
        title = "What the chosen model reaches"
        description = "nDCG@10 of the model that was chosen, a line for each market."
        return [
            _picture(values),
            Grid(("run", *markets), rows[::-1], "Chosen, run by run"),
            *over_runs(measured, moments, title, description, up="nDCG@10"),
        ]


def _picture(values: Sequence[dict[str, Any]]) -> Chart:
    spec: dict[str, Any] = {
        "$schema": SCHEMA,
        "data": {"values": list(values)},
        "width": "container",
        "height": {"step": 28},
        "autosize": {"type": "fit-x", "contains": "padding"},
        "mark": {"type": "rect", "cornerRadius": 3},
        "encoding": {
            "x": {"field": "run", "type": "ordinal", "axis": {"labelAngle": 0}, "scale": {"paddingInner": 0.12}},
            "y": {"field": "market", "type": "nominal", "title": None, "scale": {"paddingInner": 0.12}},
            "color": {"field": "chosen", "type": "nominal", "legend": {"orient": "top", "title": None}},
            "href": {"field": "link", "type": "nominal"},
            "tooltip": [{"field": name} for name in ("run", "market", "chosen")],
        },
    }
    description = "A square for each market and run, coloured by the model that was chosen."
    return Chart(spec, "Chosen model by market and run", description)
