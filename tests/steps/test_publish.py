import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from tests.steps.small_market import MARKETS, small_world

from kaon.artifacts import Metrics
from kaon.artifacts.tracking import Registry
from kaon.steps.build_index import build_index
from kaon.steps.bundle import load_bundle
from kaon.steps.interactions import Interactions
from kaon.steps.publish import NotPublishable, publish
from kaon.steps.reranking import Visitor, recommend, visitors_of
from kaon.steps.train_ranker import train_ranker


@pytest.fixture(scope="module")
def world():
    return small_world()


@pytest.fixture(scope="module")
def ranker(world):
    return train_ranker(
        world.train,
        world.ranking,
        world.als,
        world.tower,
        {},
        {},
        {},
        world.choices,
        MARKETS,
        rounds=30,
        minimum_users=1,
    ).ranker


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KAON_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def published(world, ranker, stable=True, recall=1.0, **settings):
    return publish(
        world.everything,
        world.test,
        world.als,
        world.tower,
        {},
        {},
        {},
        world.choices,
        MARKETS,
        ranker,
        build_index(world.als, compared_users=20).item_index,
        Metrics({"recall@10": recall}),
        stable,
        **{"publisher": "bundle", **settings},
    )


def test_what_is_validated_becomes_challenger_and_champion(world, ranker, home):
    receipt = published(world, ranker, minimum_gain=-1.0)

    assert (receipt.state, receipt.validated, receipt.reasons) == ("published", True, ())
    assert Registry().aliases("recommendations") == {"challenger": 1, "champion": 1}
    assert load_bundle(receipt.bundle).manifest["state"] == "validated"


def test_what_is_not_stable_or_gains_too_little_is_challenger_only_and_says_why(world, ranker):
    receipt = published(world, ranker, stable=False, minimum_gain=0.5)

    assert (receipt.validated, receipt.aliases) == (False, ("challenger",))
    assert receipt.reasons[0] == "no attempt was stable: see the report of check_stability"
    assert "is not above 0.5 with evidence" in receipt.reasons[1]
    assert Registry().aliases("recommendations") == {"challenger": 1}


def test_the_same_bundle_twice_is_already_published_under_one_version(world, ranker):
    first, second = (published(world, ranker, minimum_gain=-1.0) for _ in range(2))

    assert second.state == "already published"
    assert (second.bundle, second.version, second.registry_version) == (first.bundle, first.version, 1)


def test_an_index_that_misses_too_much_is_not_published(world, ranker, home):
    with pytest.raises(
        NotPublishable, match=r"(?s)finds 0.500 of what exact search finds.*raise build_index.search_depth"
    ):
        published(world, ranker, recall=0.5)

    assert not (home / "bundles").exists()


def test_the_bundle_is_published_where_the_registry_does_not_answer(world, ranker, monkeypatch, home):
    (home / "file").write_text("")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'file' / 'mlflow.db'}")

    receipt = published(world, ranker, minimum_gain=-1.0)

    assert (receipt.registry_version, receipt.aliases, receipt.validated) == (None, (), False)
    assert receipt.reasons[0].startswith("not registered: ")
    assert load_bundle(receipt.bundle).path.name == receipt.version


def test_the_receipt_judges_the_ranker_and_every_source_and_histories_hold_the_test_slice_after(world, ranker):
    receipt = published(world, ranker)
    bundle = load_bundle(receipt.bundle)

    for task in ("lists", "pipeline"):
        for name in ("ndcg@10", "ndcg@10.als", "ndcg@10.tower", "ndcg@10.market_jaccard", "ndcg@10.market_popularity"):
            key = f"{task}.{name}"
            assert receipt.metrics[f"{key}.low"] <= receipt.metrics[key] <= receipt.metrics[f"{key}.high"]
    assert receipt.metrics["index.recall@10"] == 1.0
    assert json.loads((bundle.path / "manifest.json").read_text())["metrics"]["users"] == len(world.test)
    assert int(bundle.sources.seen.nnz) == len(world.everything)


def test_a_market_that_opened_too_late_is_served_by_the_global_model(world, ranker):
    before = published(world, ranker, name="before")
    opened = world.test.assign(market="fr", user_id="fr-" + world.test["user_id"])
    later = replace(world, everything=Interactions(pd.concat([world.everything, opened], ignore_index=True)))

    receipt = published(later, ranker, late_markets=["fr"])

    manifest = json.loads((Path(receipt.bundle) / "manifest.json").read_text())
    bundle = load_bundle(Path(receipt.bundle))
    assert manifest["choices"]["fr"] == world.choices.global_model
    assert bundle.sources.markets == (*MARKETS, "fr")
    assert {name: receipt.metrics[name] for name in before.metrics} == dict(before.metrics)
    asking = visitors_of(bundle.sources, [Visitor("", "fr"), Visitor("", "fr", ("i000",)), Visitor("fr-u0002")])
    answers = recommend(bundle, asking, k=5)
    assert (answers.items >= 0).all()
    assert answers.fallbacks == ("market popularity", "onboarding", "personal")
