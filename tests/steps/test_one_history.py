"""One list, as a server is asked, against many, as training computes them, and against SciPy."""

import numpy as np
import pytest
from scipy.stats import rankdata
from tests.steps.published_world import ranker
from tests.steps.small_market import small_world

from kaon.steps.candidates import retrieve
from kaon.steps.features import JACCARD_SHRINKAGE, features, queries
from kaon.steps.in_list import places
from kaon.steps.list_ranker import ranked_scores
from kaon.steps.neighbours import jaccard, like_minded, lookup
from kaon.steps.one_history import crossed, like_minded_sums, stretches, summed_rows
from kaon.steps.retrieve_for_one import retrieve_for_one

USERS = (0, 3, 57, -1)


@pytest.fixture(scope="module")
def sources():
    return small_world().sources()


@pytest.fixture
def items(sources):
    """Candidates with unknown and repeated ones, a row for each of USERS."""
    drawn = np.random.default_rng(4).integers(-1, len(sources.item_ids), (len(USERS), 30))
    drawn[:, 7:9] = -1
    return drawn


def test_the_features_of_a_list_are_the_same_alone_and_among_others(sources, items):
    together = features(sources, queries(sources, np.array(USERS), items))

    for row, user in enumerate(USERS):
        alone = features(sources, queries(sources, np.array([user]), items[row : row + 1]))
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-5, atol=2e-5)  # NumPy adds up many otherwise


def test_the_ranker_scores_a_list_alike_alone_and_among_others(sources, items):
    together = ranked_scores(ranker(20), sources, queries(sources, np.array(USERS), items))

    for row, user in enumerate(USERS):
        alone = ranked_scores(ranker(20), sources, queries(sources, np.array([user]), items[row : row + 1]))
        np.testing.assert_allclose(alone[0], together[row], atol=1e-5)
    assert np.array_equal(together == -np.inf, items < 0)


def test_a_list_without_candidates_has_no_scores(sources):
    asked = queries(sources, np.array([3]), np.empty((1, 0), dtype=np.int64))

    assert ranked_scores(ranker(20), sources, asked).shape == (1, 0)


@pytest.mark.parametrize("per_source", [1, 5, 500])
@pytest.mark.parametrize("user", USERS)
def test_one_list_is_retrieved_as_among_others(sources, user, per_source):
    nothing = np.empty((2, 0), dtype=np.int64)
    found = retrieve(sources, queries(sources, np.array([user, 9]), nothing), per_source=per_source).items[0]

    alone = retrieve_for_one(sources, queries(sources, np.array([user]), nothing[:1]), per_source=per_source)

    assert np.array_equal(alone, np.unique(found[found >= 0]))


def test_a_history_is_multiplied_to_the_bits_of_scipy(sources):
    neighbours = sources.everywhere
    at = np.array([5, 0, 17])
    for user in range(len(sources.user_ids)):
        history = sources.seen[[user]]
        met = history.indices
        alike = (like_minded_sums(met, neighbours) / neighbours.damping).astype("f4")
        expected = [lookup(one, met, np.tile(at, (len(met), 1))) for one in (neighbours.shared, neighbours.walks)]

        assert alike.tobytes() == like_minded(history, neighbours)[0].tobytes()
        assert np.array_equal(crossed((neighbours.shared, neighbours.walks), met, at), expected)
        similar = jaccard(neighbours, JACCARD_SHRINKAGE)
        assert summed_rows(similar, met).tobytes() == (history @ similar).toarray()[0].tobytes()


def test_a_history_of_nothing_adds_up_to_nothing(sources):
    nothing = np.empty(0, dtype=np.int64)

    assert not stretches(nothing, nothing).size
    assert not summed_rows(sources.everywhere.shared, nothing).any()
    assert not like_minded_sums(nothing, sources.everywhere).any()
    assert crossed((sources.everywhere.shared,), nothing, np.array([1, 2]))[0].shape == (0, 2)


def test_a_market_that_met_few_items_is_scored_from_a_table_of_its_own(sources):
    vector, market = sources.als.users[3], 1
    met = np.array([1, 4, 30])

    scores = sources.als.scores_of_met(vector, market, met)

    np.testing.assert_allclose(scores[met], sources.als.table(market)[met] @ vector, rtol=1e-6)
    assert not np.delete(scores, met).any()


def test_places_are_the_mean_ranks_of_equal_scores():
    score = np.random.default_rng(0).integers(0, 4, (3, 5, 12)).astype("f4")
    known = np.random.default_rng(1).random((5, 12)) < 0.8
    known[0] = False
    ranks = rankdata(np.where(known, -score.astype("f8"), np.inf), method="average", axis=-1)
    expected = np.where(known, (ranks - 1) / np.maximum(known.sum(axis=-1, keepdims=True) - 1, 1), 1.0)

    assert np.array_equal(places(score, known), expected.astype("f4"))
