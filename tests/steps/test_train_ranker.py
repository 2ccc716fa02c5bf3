import numpy as np
import pytest
from tests.steps.small_market import MARKETS, small_world

from kaon.steps.candidates import pools_of, positives_of, uniform_lists
from kaon.steps.features import NAMES, SCORES
from kaon.steps.interactions import Interactions
from kaon.steps.list_ranker import RANKER, judged
from kaon.steps.train_ranker import NothingToRank, train_ranker


@pytest.fixture(scope="module")
def world():
    return small_world(users=900)


def trained(world, **settings):
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
        **{"rounds": 60, "minimum_users": 1, "negatives": 30, **settings},
    )


@pytest.fixture(scope="module")
def ranker(world):
    return trained(world)


def test_the_ranker_beats_popularity_clearly_and_the_best_source_does_not_beat_it(world, ranker):
    sources = world.sources()
    positives = positives_of(sources, world.test)
    pools = pools_of(sources, positives, minimum_users=1)

    ndcg = judged(ranker.ranker, sources, uniform_lists(sources, positives, pools, negatives=60, seed=5))

    best = max(ndcg[name].mean() for name in SCORES)
    assert ndcg[RANKER].mean() > 1.5 * ndcg["popularity"].mean()
    assert ndcg[RANKER].mean() > 0.97 * best


def test_its_score_in_training_is_no_better_than_on_the_test_slice(world, ranker):
    """A positive that always comes first, or ties that favour it, give an nDCG near 1 in training only."""
    sources = world.sources()
    positives = positives_of(sources, world.test)
    pools = pools_of(sources, positives, minimum_users=1)

    ndcg = judged(ranker.ranker, sources, uniform_lists(sources, positives, pools, negatives=30, seed=5))

    assert abs(ranker.ranker_metrics["ndcg@10"] - ndcg[RANKER].mean()) < 0.12


def test_metrics_name_every_source(ranker):
    metrics = ranker.ranker_metrics

    assert {f"ndcg@10.{name}" for name in SCORES} <= set(metrics)
    assert metrics["ndcg@10.low"] <= metrics["ndcg@10"] <= metrics["ndcg@10.high"]
    assert metrics["gain.low"] <= metrics["gain"] <= metrics["gain.high"]


def test_the_table_has_the_ranker_and_every_source_in_every_market(ranker):
    table = ranker.ranker_table.set_index(["market", "source"])

    assert set(table.index) == {(market, name) for market in ("all", *MARKETS) for name in (RANKER, *SCORES)}
    assert table.loc["all", "ndcg"][RANKER] == pytest.approx(ranker.ranker_metrics["ndcg@10"])
    assert sum(table["users"][market, RANKER] for market in MARKETS) == ranker.ranker_metrics["users"]


def test_probabilities_are_reliable_on_users_that_the_calibration_was_not_fitted_on(ranker):
    table = ranker.reliability

    assert ranker.calibration.slope > 0
    assert ranker.calibration.error == ranker.ranker_metrics["calibration_error"] < 0.02
    assert (table["probability"] * table["candidates"]).sum() == pytest.approx(
        (table["share"] * table["candidates"]).sum(), rel=0.25
    )


def test_the_figures_show_the_most_important_feature_and_every_bin(ranker):
    bars, (_, measured) = ranker.importance_figure, ranker.reliability_figure.layer

    assert bars.data.values[0]["feature"] == ranker.feature_importance["feature"][0]
    assert len(measured.data.values) == len(ranker.reliability)


def test_on_few_lists_training_does_not_settle_on_the_first_trees(world):
    few = trained(world, users=120, rounds=60, minimum_rounds=40)

    assert few.ranker.num_boosted_rounds() >= 40


def test_the_importance_table_has_a_row_per_feature_and_shares_of_the_gain(ranker):
    table = ranker.feature_importance

    assert set(table["feature"]) == set(NAMES)
    assert table["gain"].sum() == pytest.approx(1)
    assert (table["gain"].diff().dropna() <= 0).all()


def test_the_model_knows_its_features_by_name_and_keeps_only_the_best_rounds(ranker):
    assert ranker.ranker.feature_names == list(NAMES)
    assert ranker.ranker.num_boosted_rounds() == ranker.ranker_metrics["trees"] <= 60


def test_the_same_seed_gives_the_same_ranker(world):
    first, second = (trained(world, rounds=5, users=100) for _ in range(2))

    assert first.ranker.save_raw("ubj") == second.ranker.save_raw("ubj")


def test_a_slice_without_positives_says_what_to_change(world):
    nothing = Interactions(world.ranking.iloc[:0])

    with pytest.raises(NothingToRank, match=r"has 0 users to learn from.*lower train_ranker.minimum_users"):
        train_ranker(world.train, nothing, world.als, world.tower, {}, {}, {}, world.choices, MARKETS)


def test_the_ranker_never_sees_what_is_not_in_train_or_in_its_slice(world):
    """Sources count train alone: the pairs of the slice `ranking` are in no history."""
    sources = world.sources()
    positives = positives_of(sources, world.ranking)

    assert not np.asarray(sources.seen[positives.users, positives.items]).any()


def test_a_ranker_that_learnt_nothing_says_so_and_orders_nothing(world, caplog):
    with caplog.at_level("INFO"):
        learnt = trained(world, rounds=2, minimum_child_weight=1e9)

    assert not learnt.feature_importance["splits"].any()
    assert "the ranker learnt nothing from" in caplog.text
