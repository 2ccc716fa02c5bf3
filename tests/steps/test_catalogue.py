import gzip

import pytest

from kaon.steps.datasets import MissingDataset, load_catalogue
from kaon.steps.datasets.reading import BadFile

EXTRA = (
    "{}::T::1995::G::22 Nov 1995::Comedy::Jo Doe::Ann Roe (story), Jo Doe (screenplay by)::Al Poe, N/A::{}::http://x\n"
)


@pytest.fixture
def movies(tmp_path):
    (tmp_path / "movies.dat").write_bytes(
        "10::Misérables, Les (1995)::Drama|Musical\n2::Heat (1995)::Crime\n".encode("latin-1")
    )
    return tmp_path


def test_movielens_1m_has_genres_people_and_plots(movies):
    (movies / "movies_extrainfos.dat.gz").write_bytes(gzip.compress(EXTRA.format(10, "A plot: so.").encode()))

    catalogue = load_catalogue("movielens-1m", movies)

    assert catalogue.values.tolist() == [
        ["10", "Misérables, Les (1995)", ["Drama", "Musical"], ["Jo Doe", "Ann Roe", "Al Poe"], "A plot: so."],
        ["2", "Heat (1995)", ["Crime"], [], ""],
    ]


def test_movielens_1m_needs_only_what_is_published(movies):
    catalogue = load_catalogue("movielens-1m", movies)

    assert catalogue["genres"].tolist() == [["Drama", "Musical"], ["Crime"]]
    assert catalogue["people"].tolist() == [[], []]


def test_an_unknown_plot_is_empty(movies):
    (movies / "movies_extrainfos.dat").write_text(EXTRA.format(2, "N/A"))

    assert load_catalogue("movielens-1m", movies)["text"].tolist() == ["", ""]


def test_movielens_small_has_genres_and_tags(tmp_path):
    (tmp_path / "movies.csv").write_text(
        "movieId,title,genres\n2,Jumanji,Adventure|Children\n3,N/A,(no genres listed)\n"
    )
    (tmp_path / "tags.csv").write_text("userId,movieId,tag,timestamp\n1,2,dice,1\n7,2,dice,2\n1,2,jungle,1\n")

    catalogue = load_catalogue("movielens-small", tmp_path)

    assert catalogue[["item_id", "title", "genres", "text"]].values.tolist() == [
        ["2", "Jumanji", ["Adventure", "Children"], "dice, jungle"],
        ["3", "N/A", [], ""],
    ]


def test_frappe_has_categories_and_descriptions(tmp_path):
    (tmp_path / "meta.csv").write_text(
        "item\tname\tcategory\tdescription\n0\tAny.DO\tProductivity\tTo do\n1\tunknown\tunknown\tunknown\n"
    )

    catalogue = load_catalogue("frappe", tmp_path)

    assert catalogue.drop(columns="people").values.tolist() == [
        ["0", "Any.DO", ["Productivity"], "To do"],
        ["1", "", [], ""],
    ]


def test_a_data_set_without_content_has_no_rows():
    catalogue = load_catalogue("xmrec")

    assert catalogue.empty
    assert list(catalogue.columns) == ["item_id", "title", "genres", "people", "text"]


@pytest.mark.parametrize("dataset", ["movielens-1m", "movielens-small", "frappe"])
def test_missing_content_says_where_it_is_published(dataset, tmp_path):
    with pytest.raises(MissingDataset, match="published: "):
        load_catalogue(dataset, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "movies.dat is empty: it should hold item_id::title::genres on every line; download it again"),
        ("1::Heat::Crime\n2::Cut", "movies.dat, line 2: 2 fields instead of 3 (item_id::title::genres): '2::Cut'"),
    ],
)
def test_broken_content_says_what_is_wrong_in_which_line(text, message, tmp_path):
    (tmp_path / "movies.dat").write_text(text)

    with pytest.raises(BadFile) as error:
        load_catalogue("movielens-1m", tmp_path)

    assert message in str(error.value)
