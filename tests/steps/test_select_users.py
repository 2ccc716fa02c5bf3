import pandas as pd
import pytest

from kaon.steps.select_users import EmptyCohort, select_users

pytestmark = pytest.mark.spark


@pytest.fixture
def folder(tmp_path):
    events = [("ann", "tea", "ca", 5), ("ann", "milk", "ca", 4), ("ann", "rum", "mx", 4)]
    events += [("bob", "tea", "ca", 5), ("bob", "rare", "ca", 1), ("bob", "milk", "ca", 4)]
    events += [("cat", "tea", "mx", 5), ("cat", "milk", "mx", 5), ("dan", "tea", "jp", 5)]
    frame = pd.DataFrame(events, columns=["user_id", "item_id", "market", "rating"])
    frame.to_parquet(tmp_path / "events.parquet")
    return tmp_path


def selected(folder, **rules):
    chosen = select_users(dataset="files", folder=folder, **{"minimum_users_per_market": 1, **rules})
    return sorted(set(chosen.interactions["user_id"])), chosen.markets


def test_markets_come_with_most_users_first(folder):
    assert selected(folder, minimum_interactions=1) == (["ann", "bob", "cat", "dan"], ["ca", "jp", "mx"])


def test_a_user_of_two_markets_stays_in_the_one_with_most_interactions(folder):
    chosen = select_users(dataset="files", folder=folder, minimum_users_per_market=1)

    ann = chosen.interactions[chosen.interactions["user_id"] == "ann"]
    assert ann["item_id"].tolist() == ["milk", "tea"]


def test_every_rule_leaves_out_what_it_says(folder):
    assert selected(folder) == (["ann", "bob", "cat"], ["ca", "mx"])
    assert selected(folder, minimum_interactions=3) == (["bob"], ["ca"])
    assert selected(folder, maximum_interactions=2) == (["ann", "cat"], ["ca", "mx"])
    assert selected(folder, minimum_users_per_item=3) == (["ann", "bob", "cat"], ["ca", "mx"])
    assert selected(folder, minimum_users_per_market=2) == (["ann", "bob"], ["ca"])
    assert selected(folder, only_markets=("mx",)) == (["cat"], ["mx"])
    assert selected(folder, minimum_rating=5, minimum_interactions=2) == (["cat"], ["mx"])


def test_the_interactions_are_the_events_of_the_cohort(folder):
    chosen = select_users(dataset="files", folder=folder, only_markets=("mx",), minimum_users_per_market=1)

    assert chosen.interactions.values.tolist() == [["cat", "milk", "mx", 5.0], ["cat", "tea", "mx", 5.0]]


def test_rules_that_leave_nobody_say_so(folder):
    with pytest.raises(EmptyCohort, match=r"no user of 'files' fits the cohort rules .*'minimum_interactions': 9"):
        selected(folder, minimum_interactions=9)


def test_an_unknown_market_is_named_with_the_known_ones(folder):
    with pytest.raises(EmptyCohort, match="no events in market 'xx': choose from ca, jp, mx"):
        selected(folder, only_markets=("xx",))


def test_markets_that_are_left_out_for_few_users_are_told(folder, caplog):
    with caplog.at_level("INFO"):
        selected(folder, minimum_users_per_market=2)

    assert "fewer than 2 users who fit the rules (select_users.minimum_users_per_market): market jp, mx" in caplog.text


def test_times_survive_the_cohort(tmp_path):
    events = "user_id,item_id,market,time\nann,tea,ca,2020-02-01T10:20:30Z\nann,milk,ca,2020-02-02\n"
    (tmp_path / "events.csv").write_text(events)

    times = select_users(dataset="files", folder=tmp_path, minimum_users_per_market=1).interactions["time"]

    assert sorted(times.astype(str)) == ["2020-02-01 10:20:30+00:00", "2020-02-02 00:00:00+00:00"]


def test_the_catalogue_of_the_data_set_comes_with_the_cohort(folder):
    (folder / "items.csv").write_text("item_id,title,genres\ntea,Tea,drinks\nnew,Never sold,drinks\n")

    chosen = select_users(dataset="files", folder=folder, minimum_users_per_market=1)

    assert chosen.catalogue["item_id"].tolist() == ["new", "tea"]


def test_own_columns_are_mapped(tmp_path):
    pd.DataFrame({"who": ["ann", "ann"], "item_id": ["tea", "milk"], "market": "ca"}).to_parquet(tmp_path / "e.parquet")

    chosen = select_users(dataset="files", folder=tmp_path, columns={"user_id": "who"}, minimum_users_per_market=1)

    assert chosen.interactions["user_id"].tolist() == ["ann", "ann"]


def test_the_context_survives_the_cohort():
    chosen = select_users(dataset="synthetic", synthetic_events=3000, minimum_users_per_market=1)

    assert {"time", "device", "hour", "weekday"} <= set(chosen.interactions.columns)
    assert set(chosen.interactions["item_id"]) <= set(chosen.catalogue["item_id"])
