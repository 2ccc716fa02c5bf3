import gzip

import pytest
from tests.steps.small_market import MARKETS, small_world

from kaon.steps.build_index import build_index
from kaon.steps.bundle import Parts, load_bundle, write_bundle
from kaon.steps.interactions import positions
from kaon.steps.train_ranker import train_ranker
from kaon.steps.wsdm_lists import BadLists, CandidateList, rank_file, rank_lists, read_lists, write_scores


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    world = small_world()
    sources = world.sources()
    trained = train_ranker(
        world.train,
        world.ranking,
        world.als,
        world.tower,
        {},
        {},
        {},
        world.choices,
        MARKETS,
        rounds=10,
        minimum_users=1,
    )
    index = build_index(world.als, compared_users=20).item_index
    rows = positions(world.als.item_ids, sources.item_ids)
    parts = Parts(sources, dict.fromkeys(MARKETS, world.tower), index, rows, trained.ranker)
    return load_bundle(write_bundle(parts, tmp_path_factory.mktemp("bundles"), {}).path)


def test_a_line_is_a_user_a_tab_and_items_joined_by_commas(tmp_path):
    (tmp_path / "lists.tsv").write_text("u1\ti1,i2\r\n\nu2\ti3\n")

    assert list(read_lists(tmp_path / "lists.tsv")) == [CandidateList("u1", ("i1", "i2")), CandidateList("u2", ("i3",))]


def test_gzip_is_recognised_whatever_the_name(tmp_path):
    (tmp_path / "lists.tsv").write_bytes(gzip.compress(b"u1\ti1\n"))

    assert list(read_lists(tmp_path / "lists.tsv")) == [CandidateList("u1", ("i1",))]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("u1 i1,i2", "there is no tab in 'u1 i1,i2'; write the user, a tab, and the items joined by commas"),
        ("\ti1", "the user is empty in"),
        ("u1\ti1\ti2", "more than one tab in"),
        ("u1\ti1,,i2", "an item is empty in"),
        ("u1\ti1,", "an item is empty in"),
        ("u1\t", "an item is empty in"),
    ],
)
def test_a_malformed_line_is_named_by_its_number(tmp_path, line, message):
    path = tmp_path / "lists.tsv"
    path.write_text(f"u1\ti1\n{line}\n")

    with pytest.raises(BadLists) as error:
        list(read_lists(path))

    assert str(error.value).startswith(f"{path}, line 2: {message}")


def test_a_file_that_is_not_there_and_one_that_is_no_text_are_refused(tmp_path):
    (tmp_path / "lists.tsv").write_bytes(b"\xff\xfe\x00u1")

    with pytest.raises(BadLists, match="there is no file"):
        list(read_lists(tmp_path / "none.tsv"))
    with pytest.raises(BadLists, match="give text in UTF-8"):
        list(read_lists(tmp_path / "lists.tsv"))


def test_lists_come_back_in_their_order_and_items_best_first(bundle):
    lists = [CandidateList("u0003", ("i001", "i002", "i003")), CandidateList("u0001", ("i009",))]

    first, second = rank_lists(bundle, lists)

    assert (first.user_id, second.user_id) == ("u0003", "u0001")
    assert sorted(first.item_ids) == ["i001", "i002", "i003"]
    assert (first.scores[:-1] >= first.scores[1:]).all()


def test_an_unknown_user_is_served_by_popularity(bundle):
    (ranked,) = rank_lists(bundle, [CandidateList("nobody", tuple(bundle.sources.item_ids[:30]))])

    users = dict(zip(bundle.sources.item_ids, bundle.sources.everywhere.users, strict=True))
    popularity = [users[item] for item in ranked.item_ids]
    assert popularity == sorted(popularity, reverse=True)


def test_unknown_items_come_last(bundle):
    (ranked,) = rank_lists(bundle, [CandidateList("u0001", ("new", "i004", "newer", "i005"))])

    assert set(ranked.item_ids[:2]) == {"i004", "i005"}
    assert ranked.item_ids[2:] == ("new", "newer")


def test_a_list_of_unknown_items_only_keeps_its_order(bundle):
    (ranked,) = rank_lists(bundle, [CandidateList("nobody", ("x", "y"))])

    assert ranked.item_ids == ("x", "y")


def test_a_file_is_ranked_into_lines_of_user_item_and_score(bundle, tmp_path):
    (tmp_path / "lists.tsv").write_text("u0001\ti001,i002,new\nnobody\ti001\n")

    report = rank_file(bundle.path, tmp_path / "lists.tsv", tmp_path / "out.tsv")

    lines = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()]
    assert [line[0] for line in lines] == ["u0001", "u0001", "u0001", "nobody"]
    assert all(float(score) < 100 for _, _, score in lines)
    assert (report.users, report.lines, report.unknown_users, report.unknown_items) == (2, 4, 1, 1)


def test_a_compressed_file_is_the_same_bytes_for_the_same_scores(bundle, tmp_path):
    lists = [CandidateList("u0001", ("i001", "i002"))]
    for name in ("a.tsv.gz", "b.tsv.gz"):
        write_scores(rank_lists(bundle, lists), tmp_path / name)

    assert (tmp_path / "a.tsv.gz").read_bytes() == (tmp_path / "b.tsv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.tsv.gz").read_bytes()).startswith(b"u0001\t")


def test_nothing_is_written_where_a_line_is_malformed(bundle, tmp_path):
    (tmp_path / "lists.tsv").write_text("u0001\ti001\nno tab\n")

    with pytest.raises(BadLists):
        rank_file(bundle.path, tmp_path / "lists.tsv", tmp_path / "out.tsv")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["lists.tsv"]
