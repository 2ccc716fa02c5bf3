"""The model card of what was published."""

import json
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from kaon.artifacts import Html, Metrics
from kaon.dsl import current_step, step

from .interactions import Interactions
from .model_card import CardFacts, Receipt, StabilityReport, model_card_page
from .reranking import Reranking

PACKAGES = ("kaon", "numpy", "pandas", "pyspark", "implicit", "torch", "xgboost-cpu", "xgboost", "faiss-cpu")


@step(output="model_card")
def write_model_card(
    receipt: Receipt,
    interactions: Interactions,
    train: Interactions,
    tuning: Interactions,
    stability: Interactions,
    ranking: Interactions,
    test: Interactions,
    evaluation_table: pd.DataFrame,
    market_table: pd.DataFrame,
    stability_report: StabilityReport,
    ranker_metrics: Metrics,
    feature_importance: pd.DataFrame,
    index_report: Metrics,
    reranking_table: pd.DataFrame,
    reliability: pd.DataFrame | None = None,
    late_markets: list[str] = [],  # noqa: B006  a step's default is never changed
    *,
    reranking: Reranking = Reranking(),  # noqa: B008  it is frozen
) -> Html:
    """Return the model card (Mitchell et al. 2019) as a page of HTML that needs nothing but itself.

    It says what the model is for, what it learnt from, how good it is overall, in each market and by activity, which
    model serves each market and why, what the settings after ranking cost, whether it was stable, and what the numbers
    do not say.

    reliability: what came of the probabilities that the ranker's scores stand for, where it was measured.
    late_markets: those that opened too late to be trained on or judged, and that the global model serves.
    reranking: how the lists were made on which evaluate_recommender judged.
    """
    slices = {"train": train, "tuning": tuning, "stability": stability, "ranking": ranking, "test": test}
    facts = CardFacts(
        receipt=receipt,
        run=current_step().run_id,
        created=_created(Path(receipt.bundle)),
        slices=_slices(interactions, slices),
        cut_by_time=_cut_by_time(train, (tuning, stability, ranking, test)),
        evaluation_table=evaluation_table,
        market_table=market_table,
        stability_report=stability_report,
        reranking=reranking,
        ranker_metrics=ranker_metrics,
        feature_importance=feature_importance,
        index_report=index_report,
        reranking_table=reranking_table,
        reliability=reliability,
        late_markets=tuple(late_markets),
        versions=_versions(),
    )
    return Html(model_card_page(facts))


def _slices(whole: Interactions, slices: dict[str, Interactions]) -> pd.DataFrame:
    """Return users, items, interactions, and the interactions of each slice: of all, and of each market."""
    markets = list(whole["market"].value_counts().index)

    def row(market: str, frames: dict[str, pd.DataFrame]) -> dict[str, object]:
        own = frames.pop("whole")
        counts = {"users": own["user_id"].nunique(), "items": own["item_id"].nunique(), "interactions": len(own)}
        return {"market": market, **counts, **{name: len(frame) for name, frame in frames.items()}}

    frames: dict[str, pd.DataFrame] = {"whole": whole, **slices}
    rows = [row("all", dict(frames))]
    rows += [row(market, {name: f[f["market"] == market] for name, f in frames.items()}) for market in markets]
    return pd.DataFrame(rows)


def _cut_by_time(train: Interactions, later: Sequence[Interactions]) -> bool:
    """Return whether all of train is older than all of the other slices, as it is when split by time."""
    return "time" in train and all(train["time"].max() < one["time"].min() for one in later if len(one))


def _created(bundle: Path) -> str:
    """Return when a bundle was written, or nothing if it does not say."""
    try:
        return str(json.loads((bundle / "manifest.json").read_text(encoding="utf-8")).get("created", ""))
    except (OSError, ValueError):
        return ""


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
