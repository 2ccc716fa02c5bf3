import pandas as pd
import pytest

from kaon.steps.datasets import DATASETS, MissingDataset, load
from kaon.steps.datasets.xmrec import BUNDLED
from kaon.steps.interactions import BadInteractions


def test_the_bundled_data_holds_all_five_markets():
    frame = load("xmrec")

    assert frame["market"].value_counts().to_dict() == {
        "s1": 76965,
        "s2": 122968,
        "s3": 53785,
        "t1": 60400,
        "t2": 120178,
    }
    assert frame.groupby("user_id")["market"].nunique().max() == 1


def test_the_licence_and_the_notice_stand_beside_the_bundled_data():
    assert "Apache License" in (BUNDLED.parent / "LICENSE").read_text()
    assert "wsdm22_cup_xmrec" in (BUNDLED.parent / "NOTICE").read_text()


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name != "xmrec"])
def test_a_missing_file_says_where_the_data_is_published_and_under_which_terms(dataset, tmp_path):
    with pytest.raises(MissingDataset) as error:
        load(dataset, tmp_path)

    message = str(error.value)
    assert str(tmp_path) in message
    assert "published: " in message
    assert "terms: " in message
    assert "select_users.folder=FOLDER" in message


def test_own_files_of_both_forms_are_read_together(tmp_path):
    pd.DataFrame({"user_id": [1, 2], "item_id": [7, 7], "market": "ca"}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("user_id,item_id,market,rating\n003,7,mx,4.5\n1,7,ca,5\n")

    frame = load("files", tmp_path)

    assert frame[["user_id", "market", "rating"]].values.tolist() == [
        ["1", "ca", 5.0],
        ["2", "ca", 1.0],
        ["003", "mx", 4.5],
    ]


def test_one_own_file_can_be_named(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text("user_id,item_id,market,time\nann,tea,ca,2020-02-01\n")

    assert load("files", file)["time"].dt.month.tolist() == [2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user,item_id,market\n1,2,ca\n", "events.csv has no column 'user_id': it has 'user', 'item_id', 'market'"),
        ("user_id,item_id,market\n1,2,ca\n1,,ca\n", "events.csv: item_id is empty in row 1"),
        ("user_id,item_id,market,rating\n1,2,ca,good\n", "events.csv: rating is not a finite number in row 0: 'good'"),
    ],
)
def test_own_files_say_what_is_wrong_in_which_file_and_row(text, message, tmp_path):
    (tmp_path / "events.csv").write_text(text)

    with pytest.raises(BadInteractions) as error:
        load("files", tmp_path)

    assert message in str(error.value)


def test_xmarket_is_read_with_dates_and_without_repeats(tmp_path):
    (tmp_path / "ca_5core.txt").write_text("userId itemId rate date\nA B1 4.0 2015-12-27\nA B1 5.0 2016-01-02\n")
    (tmp_path / "mx_5core.txt").write_text("userId itemId rate date\nA B1 3.0 2017-01-02\n")

    frame = load("xmarket", tmp_path)

    assert frame[["user_id", "market", "rating"]].values.tolist() == [["ca:A", "ca", 5.0], ["mx:A", "mx", 3.0]]
    assert frame["time"].dt.year.tolist() == [2016, 2017]


def test_movielens_1m_has_postal_regions_as_markets(tmp_path):
    (tmp_path / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072\n")
    (tmp_path / "ratings.dat").write_text("1::1193::5::978300760\n2::661::3::978302109\n")

    frame = load("movielens-1m", tmp_path)

    assert frame[["user_id", "item_id", "market", "rating"]].values.tolist() == [
        ["1", "1193", "4", 5.0],
        ["2", "661", "7", 3.0],
    ]


def test_movielens_small_is_one_market(tmp_path):
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n")

    frame = load("movielens-small", tmp_path)

    assert frame["market"].tolist() == ["all"]
    assert frame["time"].dt.year.tolist() == [2009]


def test_frappe_keeps_the_situation_of_most_uses(tmp_path):
    uses = [
        "user item cnt daytime weekday isweekend homework cost weather country city",
        "0 7 1 morning sunday weekend home free sunny Spain 0",
        "0 7 9 night monday workday home free rainy unknown 0",
    ]
    (tmp_path / "frappe.csv").write_text("\n".join(uses).replace(" ", "\t"))

    frame = load("frappe", tmp_path)

    assert frame.to_dict("records") == [
        {"user_id": "0", "item_id": "7", "market": "unknown", "rating": 9.0, "hour": "night", "weekday": "monday"}
    ]
