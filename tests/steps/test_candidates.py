import numpy as np
import pytest
from tests.steps.small_market import small_world

from kaon.steps.candidates import (
    RETRIEVING,
    Positives,
    in_pools,
    pools_of,
    positives_of,
    retrieve,
    retrieved_lists,
    uniform_lists,
)
from kaon.steps.context_crosses import untold
from kaon.steps.features import queries


@pytest.fixture(scope="module")
def world():
    return small_world()


@pytest.fixture(scope="module")
def sources(world):
    return world.sources()


def test_a_uniform_list_holds_one_positive_and_unseen_items_once_each(world, sources):
    positives = positives_of(sources, world.ranking)
    pools = pools_of(sources, positives, minimum_users=1)

    lists = uniform_lists(sources, positives, pools, negatives=20, seed=0)

    assert lists.relevant.sum(axis=1).tolist() == [1] * len(lists.users)
    assert np.array_equal(lists.items[lists.relevant], positives.items)
    for user, row in zip(lists.users, lists.items, strict=True):
        found = row[row >= 0]
        assert len(set(found)) == len(found)
        assert not set(found) & set(sources.seen[user].indices)


def test_the_positive_stands_at_any_place_of_its_list(world, sources):
    positives = positives_of(sources, world.ranking)
    lists = uniform_lists(sources, positives, pools_of(sources, positives, minimum_users=1), negatives=9, seed=0)

    places = np.bincount(np.nonzero(lists.relevant)[1], minlength=10)

    assert places.min() > len(positives.users) / 40


def test_a_pool_counts_held_out_positives_so_that_rare_items_are_negatives_too(world, sources):
    item = int(np.argmin(sources.everywhere.users))
    user = int(np.flatnonzero(sources.market_of_user == 0)[0])
    needed = int(sources.by_market[0].users[item]) + 1

    pools = pools_of(sources, Positives(np.array([user]), np.array([item]), untold((), 1)), minimum_users=needed)

    assert item in pools[0]


def test_a_positive_outside_the_pools_is_left_out(sources):
    held_out = Positives(np.array([0, 1]), np.array([3, 4]), untold((), 2))
    pools = (np.array([3]), np.array([3]))

    assert in_pools(sources, held_out, pools).items.tolist() == [3]


def test_a_small_pool_gives_shorter_lists(world, sources):
    positives = positives_of(sources, world.ranking)
    pools = (np.arange(5), np.arange(5))

    lists = uniform_lists(sources, positives, pools, negatives=20, seed=0)

    assert (lists.items >= 0).sum(axis=1).max() <= 6


def test_the_same_seed_gives_the_same_lists(world, sources):
    positives = positives_of(sources, world.ranking)
    pools = pools_of(sources, positives, minimum_users=1)

    first, second = (uniform_lists(sources, positives, pools, negatives=9, seed=3) for _ in range(2))

    assert np.array_equal(first.items, second.items)


def test_retrieval_gives_unseen_items_of_the_market_once_each(sources):
    users = np.array([0, 1, 2, 5])
    asked = queries(sources, users, np.empty((4, 0), dtype=np.int64))

    found = retrieve(sources, asked, per_source=10).items

    for user, row in zip(users, found, strict=True):
        row = row[row >= 0]
        assert 10 <= len(set(row)) == len(row)
        assert not set(row) & set(sources.seen[user].indices)
        assert (sources.by_market[sources.market_of_user[user]].users[row] > 0).all()


def test_what_is_retrieved_has_the_first_source_that_found_it_and_its_score(sources):
    asked = queries(sources, np.array([0, 1]), np.empty((2, 0), dtype=np.int64))

    found = retrieve(sources, asked, per_source=6)

    by_als = sources.als.users[:2] @ sources.als.table(0).T
    popularity = np.log1p(sources.by_market[sources.market_of_user[0]].users)
    assert [RETRIEVING[number] for number in found.source[0, ::6]] == list(RETRIEVING)
    np.testing.assert_allclose(found.score[0, :6], by_als[0, found.items[0, :6]], rtol=1e-5)
    last = found.items[0, -6:]
    np.testing.assert_allclose(found.score[0, -6:][last >= 0], popularity[last[last >= 0]], rtol=1e-5)


def test_a_list_of_what_retrieval_missed_teaches_nothing(world, sources):
    positives = positives_of(sources, world.ranking)
    asked = queries(sources, positives.users, np.empty((len(positives.users), 0), dtype=np.int64))
    hit = (retrieve(sources, asked, per_source=5).items == positives.items[:, None]).any(axis=1)

    lists = retrieved_lists(sources, positives, per_source=5, seed=0)

    assert 0 < hit.sum() < len(hit)
    assert np.array_equal(lists.users, positives.users[hit])
    assert np.array_equal(lists.items[lists.relevant], positives.items[hit])
