"""Publishing: judge the whole recommender on the test slice, write its bundle, register it."""

from collections.abc import Mapping
from typing import Annotated

import faiss
import numpy as np
import pandas as pd
import xgboost
from pydantic import Field

from kaon.artifacts import ArtifactsError, FactorModel, Metrics, digest_bytes, kaon_home
from kaon.artifacts.publications.golden import FILE, golden_json
from kaon.artifacts.publications.history import add_event
from kaon.artifacts.publications.lock import publishing_alone
from kaon.artifacts.tracking import Registry
from kaon.dsl import Resources, current_step, step

from .bundle import Parts, Written, write_bundle
from .held_out_report import HeldOutReport, held_out_report
from .interactions import Interactions, positions
from .market_models import MarketChoices
from .publishing import NotPublishable, Publisher, Shipment, Shipping, golden_requests, set_state, ship
from .receipt import Receipt
from .reranking import Reranking, genre_table
from .sources import build_sources
from .two_tower import TwoTower

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(gt=0)]


@step(output="receipt", resources=Resources(cpus=2, memory="3GiB"))
def publish(
    interactions: Interactions,
    test: Interactions,
    als: FactorModel,
    tower: TwoTower,
    local_tower: Mapping[str, TwoTower],
    fine_tuned_tower: Mapping[str, TwoTower],
    local_als: Mapping[str, FactorModel],
    choices: MarketChoices,
    markets: list[str],
    ranker: xgboost.Booster,
    item_index: faiss.Index,
    index_report: Metrics,
    stable: bool,
    twin_tower: TwoTower | None = None,
    catalogue: pd.DataFrame | None = None,
    late_markets: list[str] = [],  # noqa: B006  a step's default is never changed
    *,
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")] = "recommendations",
    minimum_index_recall: Share = 0.95,
    minimum_gain: float = 0.0,
    test_users: Count = 1_000,
    publisher: Publisher = "auto",
    base_image: str = "",
    registry: str = "",
    port: Annotated[int, Field(gt=0, lt=65_536)] = 8_000,
    reranking: Reranking = Reranking(),  # noqa: B008  it is frozen
    seed: int = 0,
) -> Receipt:
    """Return the receipt of a published bundle: models, ids, histories, index, ranker, and what the test slice says.

    The models are those that were trained and judged; the histories, neighbours and popularity that they are served
    with count all interactions, test included, since people expect to be served by what they did last. The test slice
    is judged before that, with all interactions but its own.

    It is validated, and becomes champion, if the stage before was stable and the ranker gains more than `minimum_gain`
    over the best of its sources; otherwise it is published as challenger only, and the receipt says why.

    It is published as an image with its server, which must answer golden requests as was computed here before it
    counts: a champion's container then takes the place of what served. If it answers otherwise nothing changes.

    catalogue: genres of the items, which a server filters and caps by; a bundle without them does neither.
    late_markets: those that opened too late to be trained on or judged; the global model serves them too.
    name: of the model in the registry, and of the folder of its versions.
    minimum_index_recall: an index that finds less of what exact search finds is not published at all.
    minimum_gain: in nDCG@10 on lists of the test slice; the whole interval of the gain must lie above it.
    test_users: users of the slice that are judged at most.
    publisher: docker for an image, bundle for a folder alone, auto for an image if this machine can make one.
    base_image: what the image is built upon; empty for KAON_BASE_IMAGE, else the official one of this Python.
    registry: host and port to push to, such as 127.0.0.1:5000; empty for none.
    port: of this machine that a champion serves on; a free one if another program has it.
    reranking: how lists are to be made of what is ranked; the bundle's manifest says it to whoever serves.
    """
    recall = index_report["recall@10"]
    if recall < minimum_index_recall:
        raise NotPublishable(
            f"the index finds {recall:.3f} of what exact search finds",
            why=f"publish.minimum_index_recall is {minimum_index_recall:g}",
            fix="raise build_index.search_depth, or build_index.minimum_recall for exact search",
        )
    served = [*markets, *late_markets]
    chosen = choices.models(
        served,
        tower=tower,
        local_tower=local_tower,
        fine_tuned_tower=fine_tuned_tower,
        als=als,
        local_als=local_als,
    )
    report = held_out_report(
        build_sources(_without(_in(interactions, markets), test), als, tower, chosen, markets, twin_tower),
        ranker,
        test,
        users=test_users,
        seed=seed,
    )
    current_step().progress(0.5, f"test: nDCG@10 {report.ranker}, best source {report.best_source}")
    reasons = _reasons(stable, report, minimum_gain)
    sources = build_sources(interactions, als, tower, chosen, served, twin_tower)
    genres = genre_table(catalogue, sources.item_ids)
    parts = Parts(sources, chosen, item_index, positions(als.item_ids, sources.item_ids), ranker, genres)
    about = {
        "name": name,
        "run": current_step().run_id,
        "plan": digest_bytes(plan.encode()) if (plan := current_step().read_plan()) else None,
        "state": "not validated" if reasons else "validated",
        "reasons": list(reasons),
        "metrics": {**report.metrics, "index.recall@10": recall},
        "als": dict(als.config),
        "reranking": reranking.model_dump(),
        "choices": {market: choices.model_for(market) for market in served},
    }
    shipping = Shipping(publisher, base_image, registry, port)
    with publishing_alone(kaon_home(), name, waits=_wait):
        golden = golden_json(golden_requests(parts, reranking, genres))
        written = write_bundle(parts, kaon_home() / "bundles" / name, about, {FILE: golden})
        set_state(written.path, str(about["state"]), reasons)
        current_step().progress(0.6, f"bundle {written.path}")
        shipment = ship(kaon_home(), name, written.path, shipping, champion=not reasons)
        return _registered(name, written, shipment, reasons, {**report.metrics, "index.recall@10": recall})


def _wait() -> None:
    current_step().log("another publication of this name is at work: waiting for it")


def _reasons(stable: bool, report: HeldOutReport, minimum_gain: float) -> tuple[str, ...]:
    """Return why the recommender is not validated, nothing if it is."""
    reasons = []
    if not stable:
        reasons.append("no attempt was stable: see the report of check_stability")
    if report.gain.low <= minimum_gain:
        reasons.append(
            f"the ranker's gain over {report.best_source} on the test slice, {report.gain}, "
            f"is not above {minimum_gain:g} with evidence"
        )
    return tuple(reasons)


def _registered(
    name: str, written: Written, shipment: Shipment, reasons: tuple[str, ...], metrics: Mapping[str, float]
) -> Receipt:
    """Return the receipt, with the bundle in the registry if that answers: it is a view, the bundle is the truth."""
    aliases: tuple[str, ...] = ()
    version = None
    if not reasons:
        add_event(kaon_home(), name, "promoted", written.version, image=shipment.image, url=shipment.url)
    try:
        registry = Registry()
        tags = {"kaon.version": written.version, "kaon.run": str(current_step().run_id or "")}
        version = registry.version_of(name, written.path) or registry.register_bundle(name, written.path, tags=tags)
        for alias in ("challenger", "champion") if not reasons else ("challenger",):
            registry.set_alias(name, version, alias)
            aliases = (*aliases, alias)
    except ArtifactsError as error:
        current_step().log(f"the bundle is published but not registered: {error}")
        reasons = (*reasons, f"not registered: {error}")
    return Receipt(
        name=name,
        version=written.version,
        bundle=str(written.path),
        state="already published" if written.existed else "published",
        validated=not reasons,
        reasons=reasons,
        aliases=aliases,
        registry_version=version,
        metrics=dict(metrics),
        files=dict(sorted(written.digests.items())),
        shipment=shipment,
    )


def _in(interactions: Interactions, markets: list[str]) -> Interactions:
    return Interactions(interactions[interactions["market"].isin(markets)])


def _without(interactions: Interactions, left_out: Interactions) -> Interactions:
    keys = ["user_id", "item_id"]
    out = pd.MultiIndex.from_frame(interactions[keys]).isin(pd.MultiIndex.from_frame(left_out[keys]))
    return Interactions(interactions[~np.asarray(out)].reset_index(drop=True))
