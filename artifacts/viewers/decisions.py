"""Which model serves each market, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..artifact import Artifact
from .blocks import Block, Cell, Chart, Note, grid
from .charts import LEGEND, SCHEMA
from .opened import Opened
from .stored_rows import StoredRows


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for one market."""

    market: str
    model: str
    users: int
    reason: str
    measured: Mapping[str, tuple[float, float, float]]
    """Model to the mean of its measure, and the lower and upper end of the interval."""


class DecisionsViewer:
    """The choice of every market: a MarketChoices, or the table of it."""

    name = "decisions"
    title = "Market decisions"

    def fits(self, artifact: Artifact) -> int:
        return 4 if is_decisions(artifact) else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        found = decisions(opened)
        if not found:
            return [Note("No market was decided.")]
        models = list(dict.fromkeys(model for one in found for model in one.measured))
        rows: list[tuple[Cell, ...]] = [
            (one.market, one.model, one.users, *(_said(one.measured.get(model)) for model in models), one.reason)
            for one in found
        ]
        return [_picture(found, models), grid(("market", "chosen", "users", *models, "why"), rows, "Decisions")]


def is_decisions(artifact: Artifact) -> bool:
    """Say whether an artifact holds the decisions of markets, as far as the records show."""
    schema = artifact.summary.get("schema")
    if artifact.kind == "table" and isinstance(schema, dict):
        return {"market", "chosen", "users", "reason"} <= set(schema)
    return artifact.kind == "json" and artifact.summary.get("type") == "MarketChoices"


def decisions(opened: Opened) -> list[Decision]:
    """Return the decisions that a MarketChoices or a table of it holds."""
    if opened.artifact.kind == "json":
        return [_from_choice(market, choice) for market, choice in opened.value["choices"].items()]
    rows = StoredRows(opened)
    names = [column.name for column in rows.columns]
    return [_from_row(dict(zip(names, row, strict=True))) for row in rows.page(0, 1000)]


def _from_choice(market: str, choice: Mapping[str, Any]) -> Decision:
    measured = {model: (one["mean"], one["low"], one["high"]) for model, one in choice["ndcg"].items()}
    return Decision(market, choice["model"], choice["users"], choice["reason"], measured)


def _from_row(row: Mapping[str, Any]) -> Decision:
    measured = {
        model: (row[model], row[f"{model}_low"], row[f"{model}_high"])
        for model in row
        if {f"{model}_low", f"{model}_high"} <= set(row)
    }
    return Decision(str(row["market"]), str(row["chosen"]), int(row["users"]), str(row["reason"]), measured)


def _said(measured: tuple[float, float, float] | None) -> str:
    return "" if measured is None else f"{measured[0]:.4f} [{measured[1]:.3f}, {measured[2]:.3f}]"


def _picture(found: list[Decision], models: list[str]) -> Chart:
    """Return a point with its interval for every model of every market; that of the chosen one is large."""
    values = [
        {"market": one.market, "model": model, "mean": mean, "low": low, "high": high, "chosen": model == one.model}
        for one in found
        for model, (mean, low, high) in one.measured.items()
    ]
    place = {"y": {"field": "market", "type": "nominal", "title": None}, "yOffset": {"field": "model", "sort": models}}
    colour = {"color": {"field": "model", "type": "nominal", "sort": models, "title": None, "legend": LEGEND}}
    across = {"type": "quantitative", "title": "nDCG@10", "scale": {"zero": False}, "axis": {"tickCount": 6}}
    spec: dict[str, Any] = {
        "$schema": SCHEMA,
        "data": {"values": values},
        "width": "container",
        "height": {"step": 14},
        "autosize": {"type": "fit-x", "contains": "padding"},
        "layer": [
            {"mark": "rule", "encoding": {**place, **colour, "x": {"field": "low", **across}, "x2": {"field": "high"}}},
            {
                "mark": {"type": "point", "filled": True, "opacity": 1},
                "encoding": {
                    **place,
                    **colour,
                    "x": {"field": "mean", **across},
                    "size": {"condition": {"test": "datum.chosen", "value": 160}, "value": 30},
                    "tooltip": [{"field": name} for name in ("market", "model", "mean", "low", "high", "chosen")],
                },
            },
        ],
    }
    title = "Measured in each market; the chosen model has the large point"
    return Chart(spec, title, "nDCG@10 of each model in each market, with its interval over users.")
