"""Metrics against ir-measures (trec_eval), and what must hold of lists whatever they are."""

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.steps.small_market import MARKETS, small_world

from kaon.steps.evaluate_recommender import evaluate_recommender
from kaon.steps.evaluation import (
    Audience,
    Outcome,
    activity_buckets,
    coverage,
    evaluation_table,
    intra_list_diversity,
    novelty,
    quantile_edges,
)
from kaon.steps.ranking import METRICS, Ranks, bootstrap_interval, bootstrap_intervals, ranks_of, top_scores
from kaon.steps.train_ranker import train_ranker

ITEMS = 12
MET = np.array([40, 30, 20, 10, 8, 6, 5, 4, 3, 2, 1, 0], "f4")
VECTORS = np.random.default_rng(0).normal(size=(ITEMS, 4))

lists_of_items = st.lists(
    st.lists(st.integers(0, ITEMS - 1), min_size=3, max_size=3, unique=True), min_size=1, max_size=6
).map(lambda rows: np.array(rows, dtype=np.int64))


@pytest.fixture(scope="module")
def judged_lists():
    """Return a random problem: scores without ties, and the relevant items of each user."""
    random = np.random.default_rng(7)
    scores = random.permuted(np.tile(np.arange(40.0), (60, 1)), axis=1)
    user, item = np.nonzero(random.random((60, 40)) < 0.2)
    return scores, user, item


@pytest.mark.parametrize("k", [1, 5, 10, 40])
def test_every_metric_agrees_with_ir_measures_to_nine_digits(judged_lists, k):
    scores, user, item = judged_lists
    measures = {
        "ndcg": ir_measures.nDCG @ k,
        "recall": ir_measures.R @ k,
        "hit_rate": ir_measures.Success @ k,
        "mrr": ir_measures.RR @ k,
        "map": ir_measures.AP @ k,
    }
    judgements = [ir_measures.Qrel(str(u), str(i), 1) for u, i in zip(user, item, strict=True)]
    run = [ir_measures.ScoredDoc(str(u), str(i), row[i]) for u, row in enumerate(scores) for i in range(len(row))]
    wanted = {(m.query_id, m.measure): m.value for m in ir_measures.iter_calc(measures.values(), judgements, run)}

    ranks = ranks_of(scores, user, item)

    relevant = ranks.relevant()
    for name, metric in METRICS.items():
        # AP@k of trec_eval divides by all relevant items; ours by as many as the list can hold.
        scale = np.minimum(relevant, k) / np.maximum(relevant, 1) if name == "map" else np.ones(len(scores))
        for row in np.unique(user):
            assert metric(k, ranks)[row] * scale[row] == pytest.approx(wanted[str(row), measures[name]], abs=1e-9), name


@settings(deadline=None)
@given(lists_of_items)
def test_novelty_diversity_and_coverage_keep_their_bounds(lists):
    assert 0 <= coverage(lists, ITEMS) <= 1
    assert np.all((novelty(lists, MET, 50) >= 0) & (novelty(lists, MET, 50) <= np.log2(50)))
    assert np.all((intra_list_diversity(lists, VECTORS) >= 0) & (intra_list_diversity(lists, VECTORS) <= 2))


@settings(deadline=None)
@given(lists_of_items, st.randoms(use_true_random=False))
def test_neither_the_order_within_a_list_nor_that_of_users_changes_a_value(lists, random):
    shuffled = np.array([random.sample(row, len(row)) for row in lists.tolist()])

    assert coverage(shuffled, ITEMS) == coverage(lists, ITEMS)
    assert novelty(shuffled, MET, 50) == pytest.approx(novelty(lists, MET, 50))
    assert intra_list_diversity(shuffled, VECTORS) == pytest.approx(intra_list_diversity(lists, VECTORS))
    assert intra_list_diversity(lists[::-1], VECTORS)[::-1] == pytest.approx(intra_list_diversity(lists, VECTORS))


@settings(deadline=None)
@given(lists_of_items)
def test_diversity_equals_a_loop_over_pairs(lists):
    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)

    found = intra_list_diversity(lists, VECTORS)

    for row, items in enumerate(lists):
        pairs = [1 - unit[a] @ unit[b] for place, a in enumerate(items) for b in items[:place]]
        assert found[row] == pytest.approx(np.mean(pairs))


@settings(deadline=None)
@given(st.permutations(list(range(ITEMS))), st.integers(1, 4))
def test_how_items_are_numbered_changes_no_metric_even_where_scores_tie(order, levels):
    scores = (np.arange(ITEMS) % levels).astype("f8")[None]
    place = np.argsort(order)
    user, item = np.zeros(3, np.int64), np.array([0, 4, 7])

    renumbered = ranks_of(scores[:, order], user, place[item])

    for metric in METRICS.values():
        assert metric(5, renumbered) == pytest.approx(metric(5, ranks_of(scores, user, item)))


def test_lists_that_are_short_or_empty_count_what_they_hold():
    lists = np.array([[-1, -1], [3, -1]])

    assert novelty(lists, MET, 40).tolist() == [0.0, 2.0]
    assert intra_list_diversity(lists, VECTORS).tolist() == [0.0, 0.0]


def test_an_item_that_nobody_met_is_as_new_as_one_that_one_person_met():
    assert novelty(np.array([[10], [11]]), MET, 64).tolist() == [6.0, 6.0]


def test_buckets_begin_at_their_edges_and_quantiles_part_users_evenly():
    history = np.array([1, 1, 2, 3, 5, 8, 9, 20])

    bucket, names = activity_buckets(history, quantile_edges(history, 4))

    assert names == ("0–1", "2–4", "5–8", "9+")
    assert np.bincount(bucket).tolist() == [2, 2, 2, 2]


def test_edges_that_do_not_ascend_are_refused():
    with pytest.raises(ValueError, match=r"are \(5, 5\): each begins a bucket, so they must ascend.*\(5, 10, 20\)"):
        activity_buckets(np.array([1]), (5, 5))


def test_many_columns_have_the_intervals_that_each_has_alone():
    values = np.random.default_rng(0).random((80, 3))

    together = bootstrap_intervals(values, seed=3)

    for column, interval in enumerate(together):
        alone = bootstrap_interval(values[:, column], seed=3)
        assert (interval.low, interval.high) == pytest.approx((alone.low, alone.high), abs=1e-12)


def audience(users: int) -> Audience:
    market = np.arange(users) % 2
    return Audience(("ca", "uk"), market, np.arange(users), np.ones((2, ITEMS), bool), MET, 50, VECTORS)


def test_the_table_has_a_row_for_each_model_group_and_metric():
    users = 20
    ranks = Ranks(np.arange(users), np.arange(1, users + 1), users)
    lists, _ = top_scores(np.random.default_rng(1).random((users, ITEMS)), 10)

    table = evaluation_table(
        {"one": Outcome(ranks, lists), "two": Outcome(ranks, lists[::-1])}, audience(users), edges=(5,)
    )

    assert table.groupby(["by", "group"])["users"].first().to_dict() == {
        ("activity", "0–4"): 5,
        ("activity", "5+"): 15,
        ("all", "all"): 20,
        ("market", "ca"): 10,
        ("market", "uk"): 10,
    }
    assert len(table) == 2 * 5 * 8
    means = table[(table["model"] == "one") & (table["metric"] == "ndcg@10")].set_index("group")
    assert means.loc["all", "value"] == pytest.approx(means.loc[["ca", "uk"], "value"].mean())
    assert means.loc["0–4", "value"] > means.loc["5+", "value"]
    interval = table[table["metric"] != "coverage@10"]
    assert ((interval["low"] <= interval["value"]) & (interval["value"] <= interval["high"])).all()
    assert table[table["metric"] == "coverage@10"]["low"].isna().all()


def test_the_recommender_is_judged_beside_its_sources_and_beats_popularity():
    world = small_world()
    empty = world.train.iloc[:0]
    chosen = (world.als, world.tower, {}, {}, {}, world.choices, MARKETS)
    ranker = train_ranker(world.train, world.ranking, *chosen, rounds=20, minimum_users=1).ranker

    table = evaluate_recommender(world.train, empty, empty, world.ranking, world.test, *chosen, ranker, buckets=2)

    ndcg = table[(table["by"] == "all") & (table["metric"] == "ndcg@10")].set_index("model")
    assert list(ndcg.index) == ["recommender", "als", "tower", "chosen", "market_jaccard", "market_popularity"]
    assert (ndcg["users"] == world.test["user_id"].nunique()).all()
    assert ndcg.loc["recommender", "value"] > ndcg.loc["market_popularity", "value"]
    assert set(table[table["by"] == "market"]["group"]) == set(MARKETS)
