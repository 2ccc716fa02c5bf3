import pandas as pd
import pytest

from kaon.steps.datasets import DATASETS, BadFile, MissingDataset, load, load_catalogue
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


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name not in ("xmrec", "synthetic")])
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
        ("user_id,item_id\n1,2\n", 'select_users.columns=\'{"market": "its name there"}\', or add one'),
        ("user_id,item_id,market,time\n1,2,ca,50\n1,3,ca,yesterday\n2,3,ca,60\n", "not a date in line 3: 'yesterday'"),
        ("user_id,item_id,market\n1,2,ca\n1,,ca\n", "events.csv: item_id is empty in line 3"),
        ("user_id,item_id,market,rating\n1,2,ca,good\n", "events.csv: rating is not a finite number in line 2: 'good'"),
    ],
)
def test_own_files_say_what_is_wrong_in_which_file_and_row(text, message, tmp_path):
    (tmp_path / "events.csv").write_text(text)

    with pytest.raises(BadInteractions) as error:
        load("files", tmp_path)

    assert message in str(error.value)


def test_a_row_of_a_parquet_file_is_called_by_its_number(tmp_path):
    pd.DataFrame({"user_id": ["a", None], "item_id": ["x", "y"], "market": "ca"}).to_parquet(tmp_path / "a.parquet")

    with pytest.raises(BadInteractions, match=r"a.parquet: user_id is empty in row 1;"):
        load("files", tmp_path)


def test_own_columns_are_read_by_a_mapping(tmp_path):
    text = "customer,product,shop,user_id,when\nann,tea,NA,7,2020-02-01\n\nann,tea,NA,7,2020-03-01\n"
    (tmp_path / "sales.csv").write_text(text)

    frame = load(
        "files", tmp_path, columns={"user_id": "customer", "item_id": "product", "market": "shop", "time": "when"}
    )

    assert frame[["user_id", "item_id", "market"]].values.tolist() == [["ann", "tea", "NA"]]
    assert frame["time"].dt.month.tolist() == [3]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"user_id": "client"}, "has no column 'client' for user_id: it has 'customer', 'item_id', 'market'; name the"),
        (
            {"user": "customer"},
            "maps 'user', which is none of user_id, item_id, market, rating, time, device, hour, weekday; did you",
        ),
        ({"user_id": "customer", "item_id": "customer"}, "maps 'user_id', 'item_id' to the same column 'customer'"),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_says_what_is_there(columns, message, tmp_path):
    (tmp_path / "sales.csv").write_text("customer,item_id,market\nann,tea,ca\n")

    with pytest.raises(BadFile) as error:
        load("files", tmp_path, columns=columns)

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "sales.csv is empty; give a file with a line of column names and at least one row"),
        (b"user_id,item_id,market\n", "sales.csv has no rows, only the columns 'user_id', 'item_id', 'market'"),
        (
            b"user_id,item_id,market\na,b,c\na,b,c,d\n",
            "cannot be read as a table in UTF-8 with ',' between",
        ),
        (b"user_id,item_id,market\n\xff,b,c\n", "cannot be read as a table in UTF-8 with ',' between"),
    ],
)
def test_a_file_that_is_no_table_says_so(text, message, tmp_path):
    (tmp_path / "sales.csv").write_bytes(text)

    with pytest.raises(BadFile) as error:
        load("files", tmp_path)

    assert message in str(error.value)


def test_files_of_which_only_some_have_a_time_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("user_id,item_id,market\nann,tea,ca\n")
    (tmp_path / "b.csv").write_text("user_id,item_id,market,time\nann,rum,ca,2020-02-01\n")

    with pytest.raises(BadFile, match=r"a.csv has no column 'time', and the others do; give all files one, or none"):
        load("files", tmp_path)


def test_what_is_not_parquet_is_refused_by_name(tmp_path):
    (tmp_path / "sales.parquet").write_text("user_id")

    with pytest.raises(BadFile, match=r"sales.parquet cannot be read as Parquet: .*; write the file again"):
        load("files", tmp_path)


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


PUBLISHED = {
    "xmarket": ("ca_5core.txt", "userId itemId rate date", "A B1 4.0 2015-12-27", "A B1 good 2015-12-27"),
    "movielens-small": (
        "ratings.csv",
        "userId,movieId,rating,timestamp",
        "1,31,2.5,1260759144",
        "1,31,good,1260759144",
    ),
    "frappe": (
        "frappe.csv",
        "user\titem\tcnt\tdaytime\tweekday\tcountry",
        "0\t7\t1\tnoon\tfriday\tSpain",
        "0\t7\tgood\tnoon\tfriday\tSpain",
    ),
}


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_a_published_file_with_a_wrong_value_names_its_line(dataset, tmp_path):
    name, header, right, wrong = PUBLISHED[dataset]
    (tmp_path / name).write_text(f"{header}\n{right}\n{wrong}\n")

    with pytest.raises(BadInteractions, match=rf"{name}: rating is not a finite number in line 3: 'good'"):
        load(dataset, tmp_path)


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_a_published_file_without_a_column_names_it(dataset, tmp_path):
    name, header, right, _ = PUBLISHED[dataset]
    (tmp_path / name).write_text(f"{header.replace('user', 'person')}\n{right}\n")

    with pytest.raises(BadFile, match=rf"{name} has no column 'user(Id)?' for user_id: .*; download it again"):
        load(dataset, tmp_path)


def test_a_pair_that_stands_twice_in_a_published_file_is_named(tmp_path):
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,31,2.5,7\n1,31,2.5,7\n")

    with pytest.raises(BadInteractions, match=r"user '1' and item '31' stand together more than once \(line 3\)"):
        load("movielens-small", tmp_path)


def test_a_rating_of_a_user_who_lives_nowhere_is_named(tmp_path):
    (tmp_path / "users.dat").write_text("1::F::1::10::48067\n")
    (tmp_path / "ratings.dat").write_text("1::1193::5::978300760\n2::661::3::978302109\n")

    with pytest.raises(BadFile, match=r"ratings.dat, line 2: user '2' is not in .*users.dat"):
        load("movielens-1m", tmp_path)


def test_own_items_are_a_catalogue_and_no_interactions(tmp_path):
    (tmp_path / "events.csv").write_text("user_id,item_id,market\nann,7,ca\n")
    (tmp_path / "items.csv").write_text("product,title,genres\n7,Tea,drinks|leaves\n8,,\n")

    assert load("files", tmp_path)["item_id"].tolist() == ["7"]
    assert load_catalogue("files", tmp_path, columns={"item_id": "product"})[
        ["item_id", "title", "genres"]
    ].values.tolist() == [
        ["7", "Tea", ["drinks", "leaves"]],
        ["8", "", []],
    ]
