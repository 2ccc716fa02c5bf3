"""Metrics against an implementation that sorts lists and counts, one user at a time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from kaon.steps.ranking import (
    METRICS,
    UNRANKED,
    Ranks,
    bootstrap_interval,
    ndcg_at,
    rank_all,
    ranks_of,
    recall_at,
    top_items,
    top_scores,
)

USERS, ITEMS = 4, 7


def sorted_list(scores: list[float], relevant: set[int]) -> list[int]:
    """Return the listed items, best first; of equal scores the relevant ones last."""
    listed = [item for item, score in enumerate(scores) if score > -math.inf]
    return sorted(listed, key=lambda item: (-scores[item], item in relevant))


def slow_metrics(k: int, ranked: list[int], relevant: set[int]) -> dict[str, float]:
    if not relevant:
        return dict.fromkeys(METRICS, 0.0)
    top = ranked[:k]
    hits = [place for place, item in enumerate(top, start=1) if item in relevant]
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(relevant)) + 1))
    return {
        "ndcg": sum(1 / math.log2(place + 1) for place in hits) / ideal,
        "recall": len(hits) / len(relevant),
        "hit_rate": float(bool(hits)),
        "mrr": 1 / hits[0] if hits else 0.0,
        "map": sum(count / place for count, place in enumerate(hits, start=1)) / min(k, len(relevant)),
    }


some_scores = st.sampled_from([-math.inf, -1.0, 0.0, 0.5, 2.0])
score_rows = st.lists(st.lists(some_scores, min_size=ITEMS, max_size=ITEMS), min_size=USERS, max_size=USERS)
relevant_sets = st.lists(st.sets(st.integers(0, ITEMS - 1)), min_size=USERS, max_size=USERS)


@given(score_rows, relevant_sets, st.integers(1, ITEMS + 2))
def test_every_metric_equals_sorting_and_counting(scores, relevant, k):
    user = np.array([user for user, items in enumerate(relevant) for _ in items], dtype=np.int64)
    item = np.array([item for items in relevant for item in sorted(items)], dtype=np.int64)

    ranks = ranks_of(np.array(scores, "f4"), user, item)

    for row in range(USERS):
        slow = slow_metrics(k, sorted_list(scores[row], relevant[row]), relevant[row])
        for name, metric in METRICS.items():
            assert metric(k, ranks)[row] == pytest.approx(slow[name], abs=1e-12), name


def test_a_model_that_scores_everything_alike_earns_nothing():
    ranks = ranks_of(np.ones((1, 100), "f4"), np.array([0]), np.array([0]))

    assert ranks.rank.tolist() == [100]
    assert ndcg_at(10, ranks).tolist() == [0.0]


def test_relevant_items_that_tie_take_the_last_places_of_their_tie():
    ranks = ranks_of(np.array([[1.0, 1.0, 1.0, 0.0]], "f4"), np.array([0, 0]), np.array([0, 2]))

    assert sorted(ranks.rank.tolist()) == [2, 3]


def test_an_item_without_a_score_counts_among_the_relevant_ones():
    ranks = ranks_of(np.array([[3.0, 2.0]], "f4"), np.array([0, 0]), np.array([0, -1]))

    assert ranks.rank.tolist() == [1, UNRANKED]
    assert recall_at(10, ranks).tolist() == [0.5]


def test_seen_items_are_removed_and_unknown_users_count_as_zero():
    users = np.array([[1.0], [np.nan]], "f4")
    items = np.array([[3.0], [2.0], [1.0]], "f4")
    seen = sparse.csr_matrix(np.array([[1, 0, 0], [0, 0, 0]], "i1"))

    ranks = rank_all(users, items, seen, np.array([0, 1]), np.array([1, 1]))

    assert ranks.rank.tolist() == [1, UNRANKED]
    assert ndcg_at(10, ranks).tolist() == [1.0, 0.0]


def test_ranks_do_not_depend_on_how_many_users_are_scored_at_once(monkeypatch):
    random = np.random.default_rng(3)
    users, items = random.normal(size=(20, 4)).astype("f4"), random.normal(size=(9, 4)).astype("f4")
    seen = sparse.csr_matrix(random.random((20, 9)) < 0.2)
    user, item = random.permutation(20), random.integers(0, 9, 20)
    whole = rank_all(users, items, seen, user, item)

    monkeypatch.setattr("kaon.steps.ranking.SCORES_AT_ONCE", 30)

    assert rank_all(users, items, seen, user, item).rank.tolist() == whole.rank.tolist()


@given(score_rows, st.integers(1, ITEMS + 2))
def test_top_scores_equal_a_stable_sort(scores, k):
    found, best = top_scores(np.array(scores, "f4"), k)

    for row in range(USERS):
        order = sorted(range(ITEMS), key=lambda item: (-scores[row][item], item))
        wanted = [item for item in order if scores[row][item] > -math.inf][:k]
        assert [item for item in found[row] if item >= 0] == wanted
        assert best[row][: len(wanted)].tolist() == [scores[row][item] for item in wanted]


def test_top_items_leave_seen_items_out():
    seen = sparse.csr_matrix(np.array([[0, 1, 0]], "i1"))

    found, scores = top_items(np.array([[1.0]], "f4"), np.array([[1.0], [9.0], [5.0]], "f4"), seen, 3)

    assert found.tolist() == [[2, 0, -1]]
    assert scores.tolist() == [[5.0, 1.0, -math.inf]]


def test_the_interval_holds_the_mean_and_narrows_with_more_users():
    random = np.random.default_rng(0)
    few, many = bootstrap_interval(random.random(50)), bootstrap_interval(random.random(5000))

    assert few.low < few.mean < few.high
    assert many.width < few.width / 5
    assert many.width == pytest.approx(2 * 1.96 * 0.2887 / math.sqrt(5000), rel=0.15)


def test_the_interval_is_the_same_for_the_same_seed_only():
    values = np.random.default_rng(0).random(50)

    assert bootstrap_interval(values, seed=1) == bootstrap_interval(values, seed=1)
    assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)


def test_no_users_give_an_empty_interval():
    assert str(bootstrap_interval(np.empty(0))) == "0.0000 [0.0000, 0.0000]"
    assert METRICS["mrr"](10, Ranks(np.empty(0, np.int64), np.empty(0, np.int64), 0)).tolist() == []
