"""Lists after ranking: what may not be in them, what makes them varied, and who is answered how."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.steps.small_market import MARKETS, small_world

from kaon.steps.build_index import build_index
from kaon.steps.bundle import Parts, load_bundle, write_bundle
from kaon.steps.interactions import positions
from kaon.steps.judge_reranking import judge_reranking, some_titles
from kaon.steps.reranking import (
    Reranking,
    Visitor,
    diversified,
    explored,
    genre_table,
    head_items,
    known_users,
    ranked_candidates,
    recommend,
    visitors_of,
)
from kaon.steps.train_ranker import train_ranker


@pytest.fixture(scope="module")
def world():
    return small_world()


@pytest.fixture(scope="module")
def ranker(world):
    chosen = (world.als, world.tower, {}, {}, {}, world.choices, MARKETS)
    return train_ranker(world.train, world.ranking, *chosen, rounds=20, minimum_users=1).ranker


@pytest.fixture(scope="module")
def bundle(world, ranker, tmp_path_factory):
    sources = world.sources()
    index = build_index(world.als, compared_users=20).item_index
    models = dict.fromkeys(MARKETS, world.tower)
    parts = Parts(sources, models, index, positions(world.als.item_ids, sources.item_ids), ranker)
    return load_bundle(write_bundle(parts, tmp_path_factory.mktemp("bundles"), {"name": "small"}).path)


@pytest.fixture(scope="module")
def catalogue(bundle):
    ids = bundle.sources.item_ids
    return pd.DataFrame(
        {"item_id": ids, "genres": [["Drama"] if place % 2 else ["Comedy"] for place in range(len(ids))]}
    )


def seen_by(bundle, row):
    return set(bundle.sources.seen[row].indices.tolist())


def test_nobody_is_offered_what_was_seen_and_no_item_twice(bundle):
    users = np.arange(200)

    answers = recommend(bundle, known_users(bundle.sources, users))

    assert answers.items.shape == (200, 10)
    for row in users:
        offered = answers.items[row].tolist()
        assert len(set(offered)) == 10
        assert min(offered) >= 0
        assert not set(offered) & seen_by(bundle, row)


def test_the_defaults_keep_the_order_of_the_ranker(bundle):
    visitors = known_users(bundle.sources, np.arange(50))
    found, scores = ranked_candidates(bundle, visitors, Reranking())

    answers = recommend(bundle, visitors)

    order = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    assert np.array_equal(answers.items, np.take_along_axis(found, order, axis=1))


def test_an_answer_does_not_depend_on_who_else_is_answered(bundle):
    setting = Reranking(diversity=0.3, exploration=0.3)
    together = recommend(bundle, known_users(bundle.sources, np.arange(40)), settings=setting)

    alone = recommend(bundle, known_users(bundle.sources, np.array([17])), settings=setting)

    assert alone.items[0].tolist() == together.items[17].tolist()


def test_each_answer_says_what_it_rests_on(bundle):
    known, title = str(bundle.sources.user_ids[0]), str(bundle.sources.item_ids[3])
    asking = [
        Visitor(known),
        Visitor("nobody", "ca", titles=(title, title, "no such item")),
        Visitor("nobody", "uk"),
        Visitor("nobody", "atlantis"),
    ]

    answers = recommend(bundle, visitors_of(bundle.sources, asking), k=5)

    assert answers.fallbacks == ("personal", "onboarding", "market popularity", "global popularity")
    assert [len(row) for row in answers.item_ids(bundle.sources)] == [5, 5, 5, 5]
    assert title not in answers.item_ids(bundle.sources)[1]


def test_people_of_whom_nothing_is_known_get_what_is_popular_in_their_market(bundle):
    answers = recommend(bundle, visitors_of(bundle.sources, [Visitor(market="uk"), Visitor()]), k=5)

    local, everywhere = bundle.sources.by_market[1].users, bundle.sources.everywhere.users
    assert local[answers.items[0]].tolist() == sorted(local.tolist())[::-1][:5]
    assert everywhere[answers.items[1]].tolist() == sorted(everywhere.tolist())[::-1][:5]


def test_chosen_titles_lead_to_their_own_group(bundle):
    ids = bundle.sources.item_ids
    group = np.array([int(name[1:]) % 6 for name in ids])
    titles = tuple(str(name) for name in ids[group == 2][:3])

    answers = recommend(bundle, visitors_of(bundle.sources, [Visitor(market="ca", titles=titles)]), k=5)

    assert np.mean(group[answers.items[0]] == 2) >= 0.6


def test_what_is_to_be_left_out_is_not_offered(bundle):
    asking = Visitor(str(bundle.sources.user_ids[5]))
    first = recommend(bundle, visitors_of(bundle.sources, [asking])).item_ids(bundle.sources)[0]

    second = recommend(bundle, visitors_of(bundle.sources, [replace(asking, without=tuple(first[:3]))]))

    assert len(second.item_ids(bundle.sources)[0]) == 10
    assert not set(second.item_ids(bundle.sources)[0]) & set(first[:3])


def test_a_filter_is_kept_even_where_retrieval_finds_little(bundle):
    only = np.zeros(len(bundle.sources.item_ids), bool)
    only[-12:] = True
    rows = np.arange(30)

    answers = recommend(bundle, known_users(bundle.sources, rows), only=only, settings=Reranking(per_source=3), k=12)

    for row in rows:
        met = bundle.sources.by_market[bundle.sources.market_of_user[row]].users > 0
        left = set(np.flatnonzero(only & met).tolist()) - seen_by(bundle, row)
        assert set(answers.items[row][answers.items[row] >= 0].tolist()) == left


def test_popularity_weighs_less_the_more_is_known(bundle):
    titles = tuple(str(name) for name in bundle.sources.item_ids[[2, 8, 14, 20, 26, 32]])
    asking = [Visitor(market="ca", titles=titles[:count]) for count in (1, 6)]
    visitors = visitors_of(bundle.sources, asking)
    popular = bundle.sources.by_market[0].users

    gain = [
        popular[recommend(bundle, visitors, settings=Reranking(prior=prior)).items].mean(axis=1) for prior in (0.0, 1.0)
    ]

    assert gain[1][0] - gain[0][0] > gain[1][1] - gain[0][1]


def test_more_weight_on_diversity_makes_lists_more_varied(world, ranker):
    table = judge_reranking(
        world.train,
        world.test,
        world.als,
        world.tower,
        {},
        {},
        {},
        world.choices,
        MARKETS,
        ranker,
        diversities=(0.3, 0.9),
    ).reranking_table.set_index(["setting", "value"])

    varied = table.loc[[("plain", ""), ("diversity", "0.3"), ("diversity", "0.9")], "diversity@10"]
    assert varied.is_monotonic_increasing
    assert table.loc[("plain", ""), "change"] == 0
    assert table.loc[("onboarding titles", "3"), "ndcg@10"] > table.loc[("market popularity", ""), "ndcg@10"]
    assert table.loc[("exploration", "0.2"), "change"] < 0
    assert ("genre cap", "3") not in table.index


def test_genre_caps_are_judged_where_there_are_genres(world, ranker, catalogue):
    judged = judge_reranking(
        world.train, world.test, world.als, world.tower, {}, {}, {}, world.choices, MARKETS, ranker, catalogue, users=50
    )

    assert ("genre cap", "2") in list(judged.reranking_table[["setting", "value"]].itertuples(index=False, name=None))
    assert judged.reranking_figure.to_dict()["title"]["subtitle"] == "50 held-out users"


def test_a_list_holds_no_more_of_a_genre_than_its_cap_as_far_as_others_are_left(bundle, catalogue):
    genres = genre_table(catalogue, bundle.sources.item_ids)
    users = known_users(bundle.sources, np.arange(50))

    answers = recommend(bundle, users, k=6, settings=Reranking(per_genre=3), genres=genres)

    assert np.all(genres.of_item[answers.items].sum(axis=1) == 3)


def test_a_cap_leaves_no_place_empty():
    relevance = np.array([[0.9, 0.8, 0.7]])
    genres = np.ones((1, 3, 1), bool)

    chosen = diversified(relevance, np.zeros((1, 3, 2)), k=3, diversity=0.0, genres=genres, per_genre=1)

    assert chosen.tolist() == [[0, 1, 2]]


def test_a_filter_by_a_genre_that_no_item_has_is_refused(catalogue, bundle):
    genres = genre_table(catalogue, bundle.sources.item_ids)

    assert genres.having(("Drama",)).sum() == len(catalogue) // 2
    with pytest.raises(ValueError, match="no item has the genre 'Opera'; choose from Comedy, Drama"):
        genres.having(("Opera",))
    with pytest.raises(ValueError, match="this data set has no genres"):
        genre_table(None, bundle.sources.item_ids).having(("Drama",))


def greedy(relevance, vectors, k, diversity):
    """Return what the paper says, one candidate at a time."""
    chosen, left = [], [place for place, value in enumerate(relevance) if value > -np.inf]
    while left and len(chosen) < k:
        alike = {place: max([vectors[place] @ vectors[one] for one in chosen], default=-1.0) for place in left}
        chosen.append(max(left, key=lambda at: ((1 - diversity) * relevance[at] - diversity * alike[at], -at)))
        left.remove(chosen[-1])
    return chosen + [-1] * (k - len(chosen))


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_maximal_marginal_relevance_equals_a_loop_over_candidates(seed, diversity):
    random = np.random.default_rng(seed)
    relevance = np.where(random.random((3, 8)) < 0.2, -np.inf, random.random((3, 8)))
    vectors = random.normal(size=(3, 8, 3))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)

    chosen = diversified(relevance, vectors, k=5, diversity=diversity)

    assert chosen.tolist() == [greedy(relevance[row], vectors[row], 5, diversity) for row in range(3)]


def test_exploration_gives_its_share_of_places_to_the_tail_and_never_the_first():
    lists, candidates = 4000, 60
    chosen = np.tile(np.arange(10), (lists, 1))
    found = np.tile(np.arange(candidates), (lists, 1))
    users = np.broadcast_to(np.arange(candidates, 0, -1.0), found.shape)
    names = np.array([f"user{row}" for row in range(lists)])

    shown, given_ = explored(chosen, found, users, found >= 20, share=0.15, user_ids=names, seed=1)

    assert given_.mean() == pytest.approx(0.15, abs=0.005)
    assert not given_[:, 0].any()
    assert shown[given_].min() >= 20
    assert all(row[~places].tolist() == list(range((~places).sum())) for row, places in zip(shown, given_, strict=True))
    counts = np.bincount(shown[given_], minlength=candidates)
    assert counts[50:].sum() > 1.3 * counts[20:30].sum()


def test_exploration_is_the_same_for_the_same_seed_and_user_whatever_the_order_of_candidates(bundle):
    users = known_users(bundle.sources, np.arange(60))

    first, again, other = (
        recommend(bundle, users, settings=Reranking(exploration=0.3, seed=seed)).items for seed in (1, 1, 2)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_head_holds_its_share_of_interactions():
    users = np.array([1.0, 50.0, 30.0, 9.0, 10.0])

    assert head_items(users, 0.8).tolist() == [False, True, True, False, False]
    assert head_items(users, 0.0).sum() == 0


def test_some_titles_are_items_of_the_history(bundle):
    history = bundle.sources.seen[:100]

    some = some_titles(history, 3, seed=0)

    assert np.diff(some.indptr).tolist() == np.minimum(np.diff(history.indptr), 3).tolist()
    assert (some - some.multiply(history)).nnz == 0
