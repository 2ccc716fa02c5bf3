import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.steps.retrieval_data import rows

from kaon.steps.interactions import (
    BadInteractions,
    histories,
    in_market,
    interactions,
    markets_of,
    pairs,
    positions,
    without_repeats,
)


def table(**columns: object) -> pd.DataFrame:
    full = {"user_id": ["ann", "bob"], "item_id": ["tea", "tea"], "market": ["ca", "ca"], "rating": [5, 3], **columns}
    return pd.DataFrame({name: values for name, values in full.items() if values is not None})


def test_interactions_have_one_order_and_the_types_of_their_columns():
    frame = interactions(table(user_id=["bob", "ann"], extra=[1, 2]))

    assert frame["user_id"].tolist() == ["ann", "bob"]
    assert list(frame.columns) == ["user_id", "item_id", "market", "rating"]
    assert frame["rating"].dtype == np.float32


def test_numeric_ids_become_text():
    assert interactions(table(user_id=[7, 8]))["user_id"].tolist() == ["7", "8"]


def test_the_context_is_kept_as_text_where_every_row_has_it():
    frame = interactions(table(hour=[20, 7], device=["tv", None], weekday=["sunday", "monday"]))

    assert frame[["hour", "weekday"]].values.tolist() == [["20", "sunday"], ["7", "monday"]]
    assert "device" not in frame


@pytest.mark.parametrize("times", [[1450000000, 1450000001], ["2015-12-13T09:46:40Z", "2015-12-13T09:46:41+00:00"]])
def test_times_are_read_from_seconds_and_from_iso_dates(times):
    frame = interactions(table(time=times))

    assert str(frame["time"].dtype) == "datetime64[ns, UTC]"
    assert frame["time"].dt.year.tolist() == [2015, 2015]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"rating": None},
            "the table has no column 'rating': it has 'user_id', 'item_id', 'market'; interactions need",
        ),
        ({"item_id": ["tea", None]}, "item_id is empty in row 1; an interaction needs a user, an item and a market"),
        ({"market": [" ", ""]}, "market is empty in rows 0, 1;"),
        (
            {"rating": ["5", "five"]},
            "rating is not a finite number in row 1: 'five'; write 1.0 where there is no rating",
        ),
        ({"rating": [np.inf, 1]}, "rating is not a finite number in row 0: inf"),
        ({"time": ["2015-12-13", "yesterday?"]}, "time is not a date in row 1: 'yesterday?'; write ISO dates"),
        ({"user_id": ["ann", "ann"]}, "user 'ann' and item 'tea' stand together more than once (row 1); keep one row"),
    ],
)
def test_an_error_says_what_is_wrong_with_which_row(columns, message):
    with pytest.raises(BadInteractions) as error:
        interactions(table(**columns))

    assert message in str(error.value)


def test_only_the_first_wrong_rows_are_listed():
    many = pd.DataFrame({"user_id": ["u"] * 9, "item_id": [""] * 9, "market": "ca", "rating": 1})

    with pytest.raises(BadInteractions, match="rows 0, 1, 2 and 6 more"):
        interactions(many)


def test_of_repeated_pairs_the_latest_stays():
    frame = table(user_id=["ann", "ann"], rating=[5, 3], time=["2020-01-01", "2021-01-01"])

    assert without_repeats(frame)["rating"].tolist() == [3]


def test_of_repeated_pairs_without_time_the_best_rated_stays():
    assert without_repeats(table(user_id=["ann", "ann"]))["rating"].tolist() == [5]


def test_pairs_number_users_and_items_in_ascending_order():
    numbered = pairs(rows(("bob", "tea"), ("ann", "tea"), ("ann", "milk")))

    assert numbered.user_ids.tolist() == ["ann", "bob"]
    assert numbered.item_ids.tolist() == ["milk", "tea"]
    assert numbered.matrix().toarray().tolist() == [[1, 1], [0, 1]]


def test_histories_and_markets_are_by_user():
    frame = rows(("bob", "tea"), ("ann", "tea"), ("ann", "milk"))

    assert histories(frame) == {"ann": ["milk", "tea"], "bob": ["tea"]}
    assert markets_of(frame) == {"ann": "ca", "bob": "ca"}
    assert in_market(frame, "mx").empty


@given(st.lists(st.text(min_size=1), unique=True), st.lists(st.text(min_size=1)))
def test_positions_find_every_id_that_is_there(among, ids):
    known = np.array(sorted(among), dtype=object)

    found = positions(np.array(ids, dtype=object), known)

    assert [known[row] if row >= 0 else None for row in found] == [name if name in among else None for name in ids]
