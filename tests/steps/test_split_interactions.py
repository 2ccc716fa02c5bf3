import numpy as np
import pandas as pd
import pytest
from tests.steps.retrieval_data import clubs

from kaon.steps.interactions import Interactions, interactions
from kaon.steps.split_interactions import split_interactions


def in_time(users: int = 40, each: int = 6) -> Interactions:
    """Return interactions at one moment after the other, except that two of them share each moment."""
    count = users * each
    return interactions(
        pd.DataFrame(
            {
                "user_id": [f"user{n % users}" for n in range(count)],
                "item_id": [f"item{n}" for n in range(count)],
                "market": "ca",
                "rating": 1.0,
                "time": pd.to_datetime(1_500_000_000 + np.arange(count) // 2 * 60, unit="s", utc=True),
            }
        )
    )


def pairs_of(frame: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(frame["user_id"], frame["item_id"], strict=True))


@pytest.mark.parametrize("frame", [clubs(300, "ca"), in_time()], ids=["without time", "with time"])
def test_every_interaction_is_in_exactly_one_slice(frame):
    slices = split_interactions(frame)

    assert sum(len(one) for one in slices) == len(frame)
    assert set().union(*map(pairs_of, slices)) == pairs_of(frame)


@pytest.mark.parametrize("frame", [clubs(300, "ca"), in_time()], ids=["without time", "with time"])
def test_the_order_of_the_rows_changes_nothing(frame):
    shuffled = Interactions(frame.sample(frac=1, random_state=1).reset_index(drop=True))

    for one, other in zip(split_interactions(frame), split_interactions(shuffled), strict=True):
        assert pairs_of(one) == pairs_of(other)


def test_a_user_gives_at_most_one_interaction_to_one_slice():
    train, *slices = split_interactions(clubs(2000, "ca"))

    given = pd.concat(slices)["user_id"]
    assert given.is_unique
    assert set(given) <= set(train["user_id"])
    for one, share in zip(slices, [0.15, 0.15, 0.35, 0.15], strict=True):
        assert len(one) / 2000 == pytest.approx(share, abs=0.03)


def test_users_with_a_short_history_keep_all_of_it():
    train, *slices = split_interactions(clubs(300, "ca", each=3), minimum_history=3)

    assert len(train) == 900
    assert not any(len(one) for one in slices)


def test_other_users_do_not_change_where_a_user_goes():
    few, many = clubs(100, "ca"), clubs(200, "ca")
    users = set(few["user_id"])

    for one, other in zip(split_interactions(few), split_interactions(many), strict=True):
        assert pairs_of(one) == pairs_of(other[other["user_id"].isin(users)])


def test_another_seed_takes_other_users():
    frame = clubs(300, "ca")

    assert pairs_of(split_interactions(frame, seed=1).test) != pairs_of(split_interactions(frame, seed=2).test)
    assert pairs_of(split_interactions(frame, seed=1).test) == pairs_of(split_interactions(frame, seed=1).test)


def test_with_time_no_slice_holds_anything_older_than_the_slice_before_it():
    split = split_interactions(in_time())

    judged = pd.concat([split.tuning, split.stability])["time"]
    assert split.train["time"].max() < judged.min()
    assert judged.max() < split.ranking["time"].min()
    assert split.ranking["time"].max() < split.test["time"].min()


def test_with_time_tuning_and_stability_share_no_user():
    split = split_interactions(in_time())

    assert len(split.tuning) and len(split.stability)
    assert not set(split.tuning["user_id"]) & set(split.stability["user_id"])


def test_shares_that_leave_nothing_to_train_on_are_refused():
    with pytest.raises(ValueError, match=r"the slices of split_interactions take 1\.15 of 1 .* lower"):
        split_interactions(clubs(4, "ca"), ranking=0.7)
