import numpy as np
import pytest
from scipy import sparse
from tests.steps.small_market import MARKETS, small_als, small_world

from kaon.steps.features import ABOUT, NAMES, PLACED, SCORES, features, queries, source_scores
from kaon.steps.interactions import in_market
from kaon.steps.model_vectors import Blend, model_vectors, tower_vectors
from kaon.steps.neighbours import like_minded, neighbours_of, regression_weights
from kaon.steps.sources import build_sources
from kaon.steps.two_tower import untrained
from kaon.steps.vector_source import fold_in, spectral_source, wide_als_source


@pytest.fixture(scope="module")
def world():
    return small_world()


@pytest.fixture(scope="module")
def sources(world):
    return world.sources()


def test_every_feature_has_one_column():
    assert len(set(NAMES)) == len(NAMES) == 2 * len(SCORES) + len(PLACED) + len(ABOUT)


def test_the_cosine_feature_is_the_cosine_summed_over_the_history(sources):
    users, items = np.array([3]), np.arange(20)[None]
    seen = sources.seen.toarray()
    norms = np.maximum(np.linalg.norm(seen, axis=0), 1)
    cosine = (seen.T @ seen) / norms / norms[:, None]
    np.fill_diagonal(cosine, 0)

    table = features(sources, queries(sources, users, items))

    expected = (seen[3] @ cosine)[:20]
    np.testing.assert_allclose(source_scores(table, "cosine")[0], expected, rtol=1e-5)


def test_candidates_are_as_like_the_history_as_their_vectors(sources):
    users, items = np.array([3]), np.arange(20)[None]
    vectors = sources.wide_als.table(0)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    cosines = unit[sources.seen[3].indices] @ unit[:20].T

    table = features(sources, queries(sources, users, items))

    np.testing.assert_allclose(source_scores(table, "wide_als_cosine")[0], cosines.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(source_scores(table, "wide_als_best_cosine")[0], cosines.max(axis=0), atol=1e-5)


def test_a_twin_speaks_for_itself_and_the_tower_where_there_is_none(world, sources):
    twin = untrained(world.tower.item_ids.tolist(), MARKETS, 8, seed=9)
    chosen = dict.fromkeys(MARKETS, world.tower)

    with_twin = build_sources(world.train, world.als, world.tower, chosen, MARKETS, twin)

    assert np.array_equal(sources.twin.items, sources.tower.items)
    assert np.array_equal(with_twin.tower.items, sources.tower.items)
    assert not np.allclose(with_twin.twin.items, sources.tower.items)


def test_a_market_is_scored_by_the_model_that_was_chosen_for_it(world):
    blend = Blend((small_als(in_market(world.train, "uk"), rank=4), world.als, world.tower))

    sources = build_sources(world.train, world.als, world.tower, {"ca": world.als, "uk": blend}, MARKETS)

    mine = np.flatnonzero(sources.market_of_user == 1)
    users, items = model_vectors(blend, sources.seen[mine], sources.item_ids, "uk")
    asked = queries(sources, mine[:5], np.tile(np.arange(30), (5, 1)))
    here = source_scores(features(sources, asked), "chosen")
    np.testing.assert_allclose(here, users[:5] @ items[:30].T, rtol=1e-4, atol=1e-5)
    assert np.array_equal(sources.chosen.table(0)[:, :8], sources.als.table(0))


def test_market_features_count_the_users_of_the_market_only(sources):
    uk = np.flatnonzero(sources.market_of_user == 1)[:1]

    table = features(sources, queries(sources, uk, np.arange(10)[None]))

    users = sources.seen[np.flatnonzero(sources.market_of_user == 1)].sum(axis=0)
    np.testing.assert_allclose(source_scores(table, "market_popularity")[0], np.log1p(np.ravel(users)[:10]), rtol=1e-6)


def test_the_order_of_candidates_changes_no_feature(sources):
    users, items = np.arange(8), np.random.default_rng(0).permuted(np.tile(np.arange(60), (8, 1)), axis=1)
    order = np.random.default_rng(1).permutation(60)

    table = features(sources, queries(sources, users, items))
    turned = features(sources, queries(sources, users, items[:, order]))

    np.testing.assert_allclose(turned, table[:, order], atol=1.1e-5)  # a step of what is rounded


def test_a_list_has_the_same_features_alone_as_among_others_and_with_an_end_that_is_padded(sources):
    users, items = np.arange(300), np.tile(np.arange(40), (300, 1))
    padded = np.concatenate([items[7:8], np.full((1, 5), -1)], axis=1)

    together = features(sources, queries(sources, users, items))
    alone = features(sources, queries(sources, users[7:8], padded))

    np.testing.assert_allclose(alone[0, :40], together[7], atol=2e-6)


def test_candidates_of_equal_score_share_their_place(sources):
    unknown_user = np.array([-1])

    table = features(sources, queries(sources, unknown_user, np.arange(11)[None]))

    assert np.allclose(table[0, :, NAMES.index("als_place")], 0.5)
    assert np.allclose(table[0, :, NAMES.index("als_in_list")], 0)


def test_a_user_without_history_and_an_unknown_item_have_finite_features(sources):
    table = features(sources, queries(sources, np.array([-1, 0]), np.array([[0, -1], [-1, -1]])))

    assert np.isfinite(table).all()


def test_folding_in_solves_the_normal_equations_of_implicit_als():
    random = np.random.default_rng(0)
    items = random.normal(size=(30, 5)).astype("f4")
    history = sparse.random(12, 30, 0.2, random_state=0, format="csr", data_rvs=lambda n: np.ones(n), dtype="f4")

    users = fold_in(history, items, alpha=4.0, regularization=lambda length: 0.1 * length)

    for row in range(12):
        met = history[row].toarray()[0]
        system = items.T @ (items * (1 + 4 * met)[:, None]) + 0.1 * met.sum() * np.eye(5)
        np.testing.assert_allclose(users[row], np.linalg.solve(system, items.T @ (5 * met)), rtol=1e-3, atol=1e-5)


def test_tower_vectors_are_what_the_tower_itself_gives(world, sources):
    rows = np.arange(6)
    history = sources.seen[rows]
    ids = [sources.item_ids[history[row].indices].tolist() for row in range(6)]

    vectors = tower_vectors(world.tower, history, sources.item_ids, "ca")

    np.testing.assert_allclose(vectors, world.tower.user_vectors(ids, ["ca"] * 6), atol=1e-6)


def test_the_regression_foretells_each_item_from_the_others():
    seen = sparse.csr_matrix(np.random.default_rng(0).random((200, 12)) < 0.3, dtype="f4")

    weights = regression_weights(seen, regressed=12, penalty=5.0, kept=12).toarray()

    assert not np.diag(weights).any()
    x = seen.toarray()
    for item in range(12):
        others = np.delete(np.arange(12), item)
        gram = x[:, others].T @ x[:, others] + 5 * np.eye(11)
        np.testing.assert_allclose(weights[others, item], np.linalg.solve(gram, x[:, others].T @ x[:, item]), atol=1e-4)


def test_an_empty_population_has_no_neighbours():
    nobody = sparse.csr_matrix((0, 4), dtype="f4")

    found = neighbours_of(nobody, regression_weights(nobody, regressed=4, penalty=1.0, kept=2))

    assert found.shared.nnz == found.weights.nnz == 0
    assert found.users.tolist() == [0, 0, 0, 0]


def test_like_minded_users_are_weighed_by_the_rare_items_they_share():
    seen = sparse.csr_matrix(np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1]], "f4"))
    history = sparse.csr_matrix(np.array([[1, 0, 0, 0]], "f4"))

    scores = like_minded(history, neighbours_of(seen))

    weight = (1 / np.log(2 + 2)) ** 2 / 2  # item 0 has two users, both met two items
    np.testing.assert_allclose(scores[0], [2 * weight / 2**0.3, weight / 2**0.3, weight, 0], rtol=1e-5)


def test_a_walk_weighs_a_user_by_how_few_items_the_user_met():
    seen = sparse.csr_matrix(np.array([[1, 1, 0, 0], [1, 0, 1, 1]], "f4"))

    walks = neighbours_of(seen).walks.toarray()

    np.testing.assert_allclose(walks[0], [0, 1 / 2, 1 / 3, 1 / 3], rtol=1e-6)


def test_the_spectral_source_projects_on_the_first_right_singular_vectors():
    seen = sparse.csr_matrix(np.random.default_rng(0).random((60, 12)) < 0.3, dtype="f4")

    source = spectral_source(seen, markets=1)

    degrees = np.sqrt(np.outer(seen.sum(axis=1), seen.sum(axis=0)).clip(1))
    np.testing.assert_allclose(source.users @ source.items[0].T, seen.toarray() / degrees, atol=1e-4)


def test_the_wide_factorisation_is_the_same_every_time_and_prefers_what_was_met():
    seen = sparse.csr_matrix(np.random.default_rng(0).random((80, 20)) < 0.2, dtype="f4")

    first, second = (wide_als_source(seen, markets=2) for _ in range(2))

    assert np.array_equal(first.items, second.items)
    scores = first.users @ first.items[0].T
    met = seen.toarray() > 0
    assert scores[met].mean() > scores[~met].mean() + 0.3
