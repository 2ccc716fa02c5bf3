"""Which published model is champion, what it earns, and how a new one is held against it and against its own twin."""

import json

import numpy as np
import pytest
from tests.steps.small_market import MARKETS, World, small_world

from kaon.artifacts.tracking import Registry
from kaon.steps.agreement import overlap_at
from kaon.steps.build_index import build_index
from kaon.steps.bundle import Parts, Written, write_bundle
from kaon.steps.champion import Champion, champion_scores
from kaon.steps.check_stability import Stability, check_stability
from kaon.steps.find_champion import find_champion
from kaon.steps.full_ranking import questions, ranks_by_factors, ranks_by_tower
from kaon.steps.interactions import positions
from kaon.steps.ranking import ndcg_at
from kaon.steps.train_ranker import train_ranker
from kaon.steps.train_two_tower import train_two_tower
from kaon.steps.two_tower import TwoTower, untrained


@pytest.fixture(scope="module")
def world() -> World:
    return small_world()


@pytest.fixture(scope="module")
def tower(world) -> TwoTower:
    return train_two_tower(world.train, dim=8, epochs=8, learning_rate=0.02, batch_size=64, uniform_negatives=16).tower


@pytest.fixture(scope="module")
def parts(world, tower) -> Parts:
    sources = world.sources()
    ranker = train_ranker(
        world.train,
        world.ranking,
        world.als,
        world.tower,
        {},
        {},
        {},
        world.choices,
        MARKETS,
        rounds=2,
        minimum_users=1,
    ).ranker
    index = build_index(world.als, compared_users=20).item_index
    models = dict.fromkeys(MARKETS, tower)
    return Parts(sources, models, index, positions(world.als.item_ids, sources.item_ids), ranker)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KAON_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def written(parts: Parts, world: World, home, **about) -> Written:
    return write_bundle(parts, home / "bundles" / "small", {"als": dict(world.als.config), **about})


def held(world: World, tower: TwoTower, **given) -> Stability:
    settings = {"minimum_users": 10, "maximum_width": 1.0, "maximum_difference": 1.0, "minimum_lift": -1.0}
    return check_stability(
        world.ranking, world.test, world.train, world.als, tower, {}, {}, {}, world.choices, **{**settings, **given}
    )


def test_before_anything_is_published_there_is_no_champion(home):
    champion = find_champion()

    assert (champion.version, champion.path) == ("", "")
    assert champion.found == "nothing of the name 'recommendations' was validated before"
    assert not (home / "mlflow").exists()


def test_the_champion_is_what_the_registry_says_and_else_what_was_validated_last(home):
    def bundle(version: str, created: str, state: str):
        folder = home / "bundles" / "small" / version
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps({"created": created, "state": state}))
        return folder

    older, newer = bundle("aaa", "2026-11-01", "validated"), bundle("bbb", "2026-11-02", "validated")
    bundle("ccc", "2026-11-03", "not validated")
    unregistered = find_champion(name="small")
    registry = Registry()
    registry.set_alias("small", registry.register_bundle("small", older), "champion")

    registered = find_champion(name="small")

    assert unregistered == Champion("bbb", str(newer), "the bundle here that was validated last")
    assert registered == Champion("aaa", str(older), "the registry's alias champion")


def test_a_champion_earns_what_its_models_earned(world, tower, parts, home):
    bundle = written(parts, world, home)
    asked = questions(world.train, world.ranking)

    scores = champion_scores(Champion(bundle.version, str(bundle.path), ""), asked)

    for one, als, by_tower in zip(asked, scores.als, scores.chosen, strict=True):
        assert np.array_equal(by_tower, ndcg_at(10, ranks_by_tower(one, tower)))
        assert als.mean() == pytest.approx(ndcg_at(10, ranks_by_factors(one, world.als)).mean(), abs=0.1)


def test_a_model_as_good_as_the_champion_is_stable_and_a_worse_one_is_not(world, tower, parts, home):
    bundle = written(parts, world, home)
    champion = Champion(bundle.version, str(bundle.path), "the registry's alias champion")
    worse = untrained(tower.item_ids.tolist(), MARKETS, 8, seed=5)

    same, lost = (held(world, one, champion=champion, maximum_champion_loss=0.1) for one in (tower, worse))

    assert same.stable, same.stability_report.reason
    assert (
        same.stability_report.champion == f"held against the champion {bundle.version} (the registry's alias champion)"
    )
    assert not lost.stable
    assert f"what chosen gains over the champion {bundle.version}: -" in lost.stability_report.reason


def test_without_a_champion_the_report_says_so(world, tower):
    nobody = Champion("", "", "nothing of the name 'small' was validated before")

    assert held(world, tower).stability_report.champion == "no champion to compare with: none was looked for"
    assert held(world, tower, champion=nobody).stability_report.champion.endswith(nobody.found)


def test_a_champion_that_cannot_be_read_is_not_compared_with(world, tower, home):
    report = held(world, tower, champion=Champion("abc", str(home), "")).stability_report

    assert report.champion.startswith("not compared with the champion abc, which cannot be read:")


def test_a_tower_agrees_with_itself_and_not_with_one_that_learnt_nothing(world, tower):
    asked = questions(world.train, world.ranking)
    other = untrained(tower.item_ids.tolist(), MARKETS, 8, seed=5)

    assert overlap_at(10, asked, tower, tower).tolist() == [1.0] * sum(len(one.user_ids) for one in asked)
    assert overlap_at(10, asked, tower, other).mean() < 0.3


def test_a_twin_that_offers_other_items_or_is_better_makes_an_attempt_unstable(world, tower):
    twin = train_two_tower(
        world.train, dim=8, epochs=8, learning_rate=0.02, batch_size=64, uniform_negatives=16, attempt=1001
    ).tower
    empty = untrained(tower.item_ids.tolist(), MARKETS, 8, seed=5)

    alike = held(world, tower, twin_tower=twin, maximum_difference=0.05)
    apart = held(world, empty, twin_tower=twin, maximum_difference=0.05)

    assert alike.stable, alike.stability_report.reason
    assert not apart.stable
    assert "attempts.difference" in apart.stability_report.reason
    assert "attempts.overlap" in apart.stability_report.reason
