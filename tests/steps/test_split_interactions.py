import numpy as np
import pandas as pd
import pytest
from tests.steps.retrieval_data import clubs, together

from kaon.steps.interactions import Interactions, interactions
from kaon.steps.split_interactions import UselessSplit, split_interactions


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
    slices = split_interactions(frame)[:5]

    assert sum(len(one) for one in slices) == len(frame)
    assert set().union(*map(pairs_of, slices)) == pairs_of(frame)


@pytest.mark.parametrize("frame", [clubs(300, "ca"), in_time()], ids=["without time", "with time"])
def test_the_order_of_the_rows_changes_nothing(frame):
    shuffled = Interactions(frame.sample(frac=1, random_state=1).reset_index(drop=True))

    for one, other in zip(split_interactions(frame)[:5], split_interactions(shuffled)[:5], strict=True):
        assert pairs_of(one) == pairs_of(other)


def test_a_user_gives_at_most_one_interaction_to_one_slice():
    train, *slices = split_interactions(clubs(2000, "ca"))[:5]

    given = pd.concat(slices)["user_id"]
    assert given.is_unique
    assert set(given) <= set(train["user_id"])
    for one, share in zip(slices, [0.15, 0.15, 0.35, 0.15], strict=True):
        assert len(one) / 2000 == pytest.approx(share, abs=0.03)


def test_users_with_a_short_history_keep_all_of_it():
    train, *slices = split_interactions(clubs(300, "ca", each=3), minimum_history=3, minimum_users=0)[:5]

    assert len(train) == 900
    assert not any(len(one) for one in slices)


def test_other_users_do_not_change_where_a_user_goes():
    few, many = clubs(100, "ca"), clubs(200, "ca")
    users = set(few["user_id"])

    for one, other in zip(split_interactions(few)[:5], split_interactions(many)[:5], strict=True):
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


def test_users_who_never_come_back_are_told_at_the_split_with_the_mend():
    once = in_time(users=240, each=1)

    with pytest.raises(
        UselessSplit, match=r"of the 48 users with a history in train .*: 0 in tuning, .*split_interactions\.by=user"
    ):
        split_interactions(once)


def test_interactions_of_one_moment_have_no_slice_to_train_on_and_say_so():
    frame = in_time().assign(time=pd.Timestamp("2020-01-01", tz="UTC"))

    with pytest.raises(UselessSplit, match=r"market 'ca' has nothing to train on"):
        split_interactions(Interactions(frame))


def test_three_users_are_too_few_to_judge_anything():
    with pytest.raises(UselessSplit, match=r"needs 5 .* more than 3 interactions give one away: take more"):
        split_interactions(clubs(3, "ca"))


def test_a_slice_without_a_share_needs_no_users():
    split = split_interactions(clubs(60, "ca"), tuning=0.5, stability=0, ranking=0, test=0)

    assert len(split.tuning) >= 5 and not len(split.test)


def test_a_market_that_opened_after_train_ended_is_in_no_slice_and_named(caplog):
    old, late = in_time(users=400), in_time().assign(market="fr", time=pd.Timestamp("2020-01-01", tz="UTC"))
    late["user_id"] = "fr-" + late["user_id"]

    with caplog.at_level("INFO", "kaon.step"):
        split = split_interactions(together([old, Interactions(late)]))

    assert (split.markets, split.late_markets) == (["ca"], ["fr"])
    assert all(set(one["market"]) == {"ca"} for one in split[:5])
    assert "market 'fr' has nothing to train on" in caplog.text and "select_users.only_markets" in caplog.text


def test_markets_come_with_most_users_first():
    split = split_interactions(together([clubs(40, "uk"), clubs(90, "ca"), clubs(40, "de")]))

    assert (split.markets, split.late_markets) == (["ca", "de", "uk"], [])


def test_interactions_with_time_can_be_split_by_user():
    split = split_interactions(in_time(users=300), by="user")

    held = pd.concat(split[1:5])
    assert held["user_id"].is_unique
    assert pairs_of(held) == pairs_of(pd.concat(split_interactions(in_time(users=300).drop(columns="time"))[1:5]))
