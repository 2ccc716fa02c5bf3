from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.benchmarks.context_ranker import ANOTHERS, TOLD, UNIFORM, WITHOUT, measure
from tests.steps.small_market import small_world
from tests.steps.told_world import DEVICES, own_device, ranker_of, told_ranker, told_world, untold_world

from kaon.steps.candidates import pools_of, positives_of, retrieved_lists, uniform_lists
from kaon.steps.context_crosses import PRIOR, context_columns, lifts, moments, untold
from kaon.steps.features import NAMES, feature_names, features, queries
from kaon.steps.interactions import interactions
from kaon.steps.judged_slice import judged_slice
from kaon.steps.list_ranker import RANKER, judged
from kaon.steps.ranking import bootstrap_interval

ITEMS = 6


@pytest.fixture(scope="module")
def sources():
    return told_world().sources()


@pytest.fixture(scope="module")
def lists(sources):
    positives = positives_of(sources, told_world().test)
    pools = pools_of(sources, positives, minimum_users=1)
    return uniform_lists(sources, positives, pools, negatives=60, seed=5)


met = some.lists(
    some.tuples(some.sampled_from(("tv", "phone", "pad")), some.integers(0, ITEMS - 1)), min_size=1, max_size=60
)


def column_of(pairs):
    devices, items = zip(*pairs, strict=True)
    (column,) = context_columns({"device": devices}, np.array(items), ITEMS)
    return column


@given(met)
def test_the_lift_is_the_m_estimate_of_the_share_over_everybodys_share(pairs):
    column = column_of(pairs)

    for number, value in enumerate(column.values):
        everybodys = sum(device == value for device, _ in pairs) / len(pairs)
        for item in range(ITEMS):
            here = sum(pair == (value, item) for pair in pairs)
            of_item = sum(other == item for _, other in pairs)
            own = (here + PRIOR * everybodys) / (of_item + PRIOR)
            assert column.lift(number, np.array([item]))[0] == pytest.approx(np.log(own / everybodys), abs=1e-5)


@given(met)
def test_the_estimated_shares_of_an_item_add_up_to_one(pairs):
    column = column_of(pairs)

    own = [np.exp(column.lift(row, np.arange(ITEMS))) * share for row, share in enumerate(column.shares)]

    np.testing.assert_allclose(np.sum(own, axis=0), 1, atol=1e-4)


@given(met, some.randoms(use_true_random=False))
def test_the_order_of_interactions_changes_no_lift(pairs, random):
    mixed = random.sample(pairs, len(pairs))

    one, other = column_of(pairs), column_of(mixed)

    assert one.values == other.values
    for number in range(len(one.values)):
        assert np.array_equal(one.lift(number, np.arange(ITEMS)), other.lift(number, np.arange(ITEMS)))


@given(met, some.lists(some.sampled_from(("tv", "phone", "pad", "fridge", "")), min_size=1, max_size=8))
def test_lists_together_have_the_lifts_that_each_has_alone_and_an_unknown_value_has_none(pairs, asked):
    columns = (column_of(pairs),)
    moment = moments(columns, {"device": asked}, len(asked))
    items = np.random.default_rng(0).integers(ITEMS, size=(len(asked), 9))

    together = lifts(columns, moment, items)

    for row, value in enumerate(asked):
        alone = lifts(columns, moment[row : row + 1], items[row : row + 1])
        assert np.array_equal(alone[:, 0], together[:, row])
        assert value in columns[0].values or not together[:, row].any()


def test_an_item_that_nobody_met_has_no_lift():
    column = column_of([("tv", 0), ("phone", 1), ("tv", 1)])

    assert column.lift(0, np.array([3])).tolist() == column.lift(1, np.array([3])).tolist() == [0]


def test_a_column_that_is_not_told_has_no_value():
    columns = context_columns({"device": ["tv"], "hour": ["09"]}, np.array([0]), 1)

    assert moments(columns, {"hour": ["09", "23"]}, 2).tolist() == [[-1, 0], [-1, -1]]
    assert untold(columns, 2).tolist() == [[-1, -1], [-1, -1]]


def test_without_context_the_features_are_those_before_and_with_it_there_is_a_lift_for_each_column(sources):
    assert feature_names(small_world().sources()) == NAMES
    assert feature_names(sources) == (*NAMES, "device_lift", "hour_lift", "weekday_lift")


def test_the_moment_changes_the_lifts_and_nothing_else(sources):
    users, items = np.arange(40), np.tile(np.arange(30), (40, 1))
    told = moments(sources.context, {"device": ["tv"] * 40, "hour": ["07"] * 40}, 40)

    silent = features(sources, queries(sources, users, items))
    table = features(sources, queries(sources, users, items, told))

    assert not silent[..., len(NAMES) :].any()
    assert np.array_equal(table[..., : len(NAMES)], silent[..., : len(NAMES)])
    device, hour, weekday = np.moveaxis(table[..., len(NAMES) :], -1, 0)
    own = own_device(np.arange(30)) == DEVICES.index("tv")
    assert (device[:, own] > 0.2).all()
    assert (device[:, ~own] < -0.2).all()
    assert hour.any()
    assert not weekday.any()


def test_a_request_has_the_lifts_of_a_batch_whatever_the_order_of_its_candidates(sources):
    random = np.random.default_rng(2)
    users, items = np.array([0, 3, 57, -1]), random.integers(-1, len(sources.item_ids), (4, 30))
    moment = np.array([[0, 3, -1], [2, -1, 6], [-1, -1, -1], [1, 0, 0]])
    order = random.permutation(30)

    together = features(sources, queries(sources, users, items, moment))[..., len(NAMES) :]

    for row in range(4):
        mine = slice(row, row + 1)
        alone = features(sources, queries(sources, users[mine], items[mine][:, order], moment[mine]))[..., len(NAMES) :]
        assert np.array_equal(alone[0], together[row][order])
    assert not together[items < 0].any()


def test_lists_have_the_moment_of_the_interaction_that_was_held_out(sources):
    told = told_world().ranking.set_index(["user_id", "item_id"])["device"]

    positives = positives_of(sources, told_world().ranking)

    (at,) = (place for place, column in enumerate(sources.context) if column.name == "device")
    for lists in (
        retrieved_lists(sources, positives, per_source=10, seed=0),
        uniform_lists(sources, positives, pools_of(sources, positives, minimum_users=1), negatives=5, seed=0),
    ):
        item = lists.items[lists.relevant]
        pairs = list(zip(sources.user_ids[lists.users], sources.item_ids[item], strict=True))
        assert [sources.context[at].values[value] for value in lists.moment[:, at]] == told.loc[pairs].tolist()


def test_a_judged_user_asks_at_the_moment_of_the_first_interaction_by_time(sources):
    columns = ["user_id", "item_id", "market", "rating", "time", "device"]
    later = ("u0002", "i000", "ca", 1.0, "2026-01-03", "tv")
    first = ("u0002", "i001", "ca", 1.0, "2026-01-02", "phone")

    asked = judged_slice(sources, interactions(pd.DataFrame([later, first], columns=columns)), users=5, seed=0)

    assert asked.visitors.moment.tolist() == [[DEVICES.index("phone"), -1, -1]]


def test_the_ranker_with_crosses_beats_the_same_without_them_where_devices_matter(sources, lists):
    silent = replace(lists, moment=untold((), len(lists.users)))

    told = judged(told_ranker().ranker, sources, lists)[RANKER]
    plain = judged(ranker_of(untold_world()).ranker, untold_world().sources(), silent)[RANKER]

    assert bootstrap_interval(told - plain).low > 0.02


def test_the_importance_knows_the_lifts(sources):
    found = told_ranker()

    assert found.ranker.feature_names == list(feature_names(sources))
    assert set(found.feature_importance["feature"]) == set(feature_names(sources))
    assert found.feature_importance.set_index("feature")["gain"]["device_lift"] > 0.05


def test_the_benchmark_of_the_moment_sees_what_it_adds_and_that_another_moment_adds_nothing():
    found = measure(told_world().everything)[UNIFORM]

    assert bootstrap_interval((found[TOLD] - found[WITHOUT]).to_numpy()).low > 0
    assert bootstrap_interval((found[TOLD] - found[ANOTHERS]).to_numpy()).low > 0
