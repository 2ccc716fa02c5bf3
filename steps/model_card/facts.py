"""What a model card is written from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..receipt import Receipt
from ..reranking import Reranking
from ..stability_report import StabilityReport


@dataclass(frozen=True, slots=True, eq=False)
class CardFacts:
    """The reports of a run, as its steps gave them."""

    receipt: Receipt
    run: int | None
    created: str
    """When the bundle was written, empty if that is not known."""
    slices: pd.DataFrame
    """A row a market: market, users, items, interactions, and the interactions of every slice."""
    cut_by_time: bool
    """Whether the slices were cut by time."""
    evaluation_table: pd.DataFrame
    market_table: pd.DataFrame
    stability_report: StabilityReport
    reranking: Reranking
    """How the lists were made on which the recommender was judged."""
    ranker_metrics: Mapping[str, float]
    feature_importance: pd.DataFrame
    index_report: Mapping[str, float]
    reranking_table: pd.DataFrame
    reliability: pd.DataFrame | None
    late_markets: tuple[str, ...]
    """Those that opened after what was trained on, are judged by nothing, and are served by the global model."""
    versions: Mapping[str, str]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
