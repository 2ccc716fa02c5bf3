import numpy as np
import pytest
from tests.steps.small_market import MARKETS, small_world

from kaon.steps import history_sources as module
from kaon.steps.history_sources import history_sources
from kaon.steps.interactions import Interactions
from kaon.steps.sources import build_sources


@pytest.fixture(scope="module")
def world():
    return small_world()


@pytest.fixture(autouse=True)
def nothing_learnt(monkeypatch):
    monkeypatch.setattr(module, "_last", module._Last())


def test_the_same_histories_are_learnt_once(world, monkeypatch):
    learnt = []
    monkeypatch.setattr(module, "wide_als_source", lambda *_: learnt.append("again"))
    sources = world.sources()

    monkeypatch.setattr(module, "spectral_source", lambda *_: pytest.fail("learnt again"))
    again = build_sources(
        world.train.sample(frac=1), world.als, world.tower, dict.fromkeys(MARKETS, world.als), MARKETS
    )

    assert learnt == ["again"]
    assert again.everywhere is sources.everywhere and again.by_market is sources.by_market


def test_other_histories_and_other_markets_are_learnt_anew(world):
    first = world.sources()

    fewer = build_sources(
        Interactions(world.train.iloc[1:]), world.als, world.tower, dict.fromkeys(MARKETS, world.tower), MARKETS
    )
    seen, market = first.seen, first.market_of_user
    elsewhere = history_sources(seen, 1 - market, 2)

    assert fewer.everywhere is not first.everywhere
    assert elsewhere.by_market[0].users.sum() == first.by_market[1].users.sum()
    assert history_sources(seen, market, 2).everywhere is not first.everywhere
    assert np.array_equal(history_sources(seen, market, 2).wide_als.users, first.wide_als.users)


def test_a_market_that_is_served_by_a_model_of_all_has_its_vectors(world):
    sources = build_sources(world.train, world.als, world.tower, {"ca": world.als, "uk": world.tower}, MARKETS)

    ca, uk = (sources.market_of_user == number for number in (0, 1))
    assert np.array_equal(sources.chosen.users[ca], sources.als.users[ca])
    assert np.array_equal(sources.chosen.users[uk], sources.tower.users[uk])
    assert np.array_equal(sources.chosen.table(0), sources.als.table(0))
