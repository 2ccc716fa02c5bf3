"""The pages of artifacts: whatever a store holds, they show it, escape it, page it, or say why they cannot."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import altair
import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from kaon.artifacts import Begin, Begun, Directory, Ending, File, Html, Markdown, Metrics, Store, Text, open_store
from kaon.artifacts.artifact import Artifact, LoopKeys
from kaon.artifacts.collection import collect, garbage
from kaon.artifacts.home import cache
from kaon.artifacts.viewers.stored_rows import StoredRows
from kaon.artifacts.web import create_app

HOSTILE = "<script>alert('kaon')</script>\"'><img src=x onerror=alert(1)>"

Put = Callable[..., Artifact]


@pytest.fixture
def stored(tmp_path: Path) -> Store:
    return open_store(tmp_path / "kaon_home" / "store")


@pytest.fixture
def client(stored: Store) -> TestClient:
    return TestClient(create_app(Path(stored.url)), base_url="http://127.0.0.1", raise_server_exceptions=True)


@pytest.fixture
def put(stored: Store) -> Put:
    """Store a value from a run of its own, or from one that is given."""

    def put(
        value: Any,
        annotation: Any,
        name: str = "value",
        *,
        workflow: str = "flow",
        path: str = "flow/step",
        keys: LoopKeys = (),
        made_from: tuple[int, ...] = (),
        lease: Any = None,
    ) -> Artifact:
        lease = lease or stored.records.start_run(workflow, {}, "{}", "local").lease
        (begun,) = stored.begin_steps(lease, [Begin(path, "step", keys)])
        assert isinstance(begun, Begun)
        output = stored.dumped(value, name, annotation)
        ending = Ending(begun.step_run, "completed", outputs=(output,), made_from=made_from)
        return stored.finish_steps(lease, [ending])[0][name]

    return put


def got(client: TestClient, path: str, status: int = 200) -> str:
    """Return the page at a path."""
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def damage(store: Store, artifact: Artifact) -> None:
    path = store.blobs.path(artifact.digest)
    path.chmod(0o644)
    path.write_bytes(b"damaged")


def test_every_kind_has_a_page_with_its_facts_and_its_lineage(client: TestClient, put: Put, tmp_path: Path):
    (tmp_path / "some.bin").write_bytes(b"\0")
    values: list[tuple[Any, Any]] = [
        (pd.DataFrame, pd.DataFrame({"a": [1]})),
        (dict[str, int], {"a": 1}),
        (Metrics, Metrics(loss=1)),
        (altair.Chart, altair.Chart(pd.DataFrame({"a": [1]})).mark_bar().encode(x="a")),
        (np.ndarray, np.eye(3)),
        (Text, Text("hello")),
        (Markdown, Markdown("# hello")),
        (Html, Html("<p>hello")),
        (File, File(tmp_path / "some.bin")),
    ]
    for annotation, value in values:
        artifact = put(value, annotation)
        page = got(client, f"/artifacts/{artifact.id}")

        assert artifact.digest in page and "every byte" in page and 'id="lineage"' in page


def test_hostile_names_values_and_keys_are_escaped_everywhere(client: TestClient, put: Put, tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "<img src=x onerror=alert(1)>").write_text("x")
    named = {"name": HOSTILE, "keys": (("market", HOSTILE),), "path": f"flow/{HOSTILE}"}
    values: list[tuple[Any, Any]] = [
        (pd.DataFrame, pd.DataFrame({HOSTILE: [HOSTILE]})),
        (dict[str, str], {HOSTILE: HOSTILE}),
        (list[dict[str, str]], [{HOSTILE: HOSTILE}]),
        (str, HOSTILE),
        (Metrics, Metrics({HOSTILE: 0.5, "b": 0.1})),
        (altair.Chart, altair.Chart(pd.DataFrame({"a": [HOSTILE]}), title=HOSTILE).mark_bar().encode(x="a")),
        (np.ndarray, np.array([HOSTILE])),
        (Text, Text(HOSTILE)),
        (Html, Html(HOSTILE)),
        (Directory, Directory(tmp_path / "folder")),
    ]
    pages = ["/artifacts", f"/artifacts?name={HOSTILE}&kind={HOSTILE}&run={HOSTILE}"]
    for annotation, value in values:
        artifact = put(value, annotation, workflow=HOSTILE, **named)
        pages += [f"/artifacts/{artifact.id}", f"/artifacts/{artifact.id}/history"]
        pages += [f"/artifacts/{artifact.id}/diff/1", f"/artifacts/1/diff/{artifact.id}"]
        if artifact.kind == "table":
            pages += [f"/artifacts/{artifact.id}/rows", f"/artifacts/{artifact.id}/columns"]
    for path in pages:
        page = got(client, path)
        assert "<script>alert" not in page and "<img src=x" not in page, path


def test_html_of_others_comes_only_from_a_sandbox_of_its_own(client: TestClient, put: Put):
    artifact = put(Html("<p>hi</p><script>alert(1)</script>"), Html)
    page, framed = got(client, f"/artifacts/{artifact.id}"), client.get(f"/artifacts/{artifact.id}/blocks/0")

    assert re.search(r'<iframe class="framed-page" sandbox title=', page)
    assert framed.headers["content-security-policy"].startswith("sandbox;")
    assert "allow-scripts" not in framed.headers["content-security-policy"]
    saved = client.get(f"/artifacts/{artifact.id}/download")
    assert (
        saved.headers["content-type"].startswith("text/plain") and "attachment" in saved.headers["content-disposition"]
    )


def test_a_download_has_the_bytes_a_safe_name_and_no_type_that_a_browser_shows(
    client: TestClient, put: Put, tmp_path: Path
):
    (tmp_path / "evil.html").write_text("<script>alert(1)</script>")
    table = put(pd.DataFrame({"a": [1]}), pd.DataFrame, name='../a "b"\r\nX: y')
    page = put(File(tmp_path / "evil.html"), File)

    for artifact in (table, page):
        saved = client.get(f"/artifacts/{artifact.id}/download")
        assert len(saved.content) == artifact.size and saved.headers["x-content-type-options"] == "nosniff"
        assert saved.headers["content-disposition"].startswith("attachment;") and "x" not in saved.headers
        assert saved.headers["content-security-policy"].startswith("sandbox;")
    assert client.get(f"/artifacts/{page.id}/download").headers["content-type"] == "application/octet-stream"
    assert (
        'filename="a__b___X__y.parquet"' in client.get(f"/artifacts/{table.id}/download").headers["content-disposition"]
    )


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "/etc/passwd", "deep/../deep/a.txt", "deep", "no"]
)
def test_no_path_leads_out_of_a_stored_folder(client: TestClient, put: Put, tmp_path: Path, path: str):
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "a.txt").write_text("abc")
    artifact = put(Directory(tmp_path / "folder"), Directory)

    assert client.get(f"/artifacts/{artifact.id}/files/deep/a.txt").content == b"abc"
    answer = client.get(f"/artifacts/{artifact.id}/files/{path}")
    assert answer.status_code in (404, 200)
    assert answer.status_code == 404 or answer.content == b"abc", "a client may shorten deep/../deep itself"
    assert b"root:" not in answer.content


def test_a_folder_that_names_files_outside_itself_unpacks_nothing(
    client: TestClient, stored: Store, put: Put, tmp_path: Path
):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        entry = tarfile.TarInfo("../../outside.txt")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"abc"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    (tmp_path / "made.tar").write_bytes(raw.getvalue())
    artifact = put(File(tmp_path / "made.tar"), File)
    with stored.records.database._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE artifacts SET kind = 'directory' WHERE id = ?", (artifact.id,))

    page = got(client, f"/artifacts/{artifact.id}")
    assert "outside.txt" in page and ">link<" not in page
    assert client.get(f"/artifacts/{artifact.id}/files/link").status_code == 404
    assert not (tmp_path.parent / "outside.txt").exists()


@pytest.mark.parametrize("gone", [True, False])
def test_a_missing_or_damaged_artifact_has_a_page_that_says_so(client: TestClient, stored: Store, put: Put, gone: bool):
    table = put(pd.DataFrame({"a": range(5000)}), pd.DataFrame)
    got(client, f"/artifacts/{table.id}")
    if gone:
        stored.blobs.path(table.digest).unlink()
    else:
        damage(stored, table)

    page = got(client, f"/artifacts/{table.id}")
    assert "Its value cannot be shown" in page and "cannot be read" in page and "--force" in page
    for path in ("rows", "columns", "download"):
        assert client.get(f"/artifacts/{table.id}/{path}").status_code == 410
    assert "They cannot be compared" in got(
        client, f"/artifacts/{table.id}/diff/{put(pd.DataFrame({'a': [1]}), pd.DataFrame).id}"
    )


def test_a_history_with_a_damaged_value_shows_the_others(client: TestClient, stored: Store, put: Put):
    gains = np.random.default_rng(0).random((3, 900))
    frames = [pd.DataFrame({"feature": [f"f{n}" for n in range(900)], "gain": gain}) for gain in gains]
    first, second, third = (put(frame, pd.DataFrame) for frame in frames)
    damage(stored, second)

    page = got(client, f"/artifacts/{third.id}/history")
    assert "Some values cannot be read" in page and f'<a href="/runs/{second.run}">run {second.run}</a>' in page
    assert "Feature importance over runs" in page and f"/runs/{first.run}" in page


def test_unknown_artifacts_viewers_and_columns_are_clear_pages(client: TestClient, put: Put):
    table = put(pd.DataFrame({"a": [1]}), pd.DataFrame)
    for path in (
        "999",
        "99999999999999999999999",
        f"{table.id}?viewer=nope",
        f"{table.id}?sort=7",
        f"{table.id}?sort=x",
    ):
        assert "Not found" in got(client, f"/artifacts/{path}", 404)
    assert client.get("/artifacts/abc").status_code == 422
    assert client.get(f"/artifacts/{table.id}/diff?with=nope").status_code == 404
    assert client.get(f"/artifacts/{table.id}/history?runs=100000").status_code == 422


def test_a_viewer_that_fails_leaves_a_page_that_says_so(client: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch):
    from kaon.artifacts.viewers.metrics import MetricsViewer

    def fail(self: object, opened: object) -> Any:
        raise ZeroDivisionError("<b>zero</b>")

    monkeypatch.setattr(MetricsViewer, "view", fail)
    page = got(client, f"/artifacts/{put(Metrics(a=1), Metrics).id}")

    assert "the viewer failed on this artifact" in page and "&lt;b&gt;zero" in page


def test_a_table_is_sorted_and_turned_on_the_server(client: TestClient, put: Put):
    artifact = put(pd.DataFrame({"n": range(120), "name": [f"x{(n * 7) % 120:03}" for n in range(120)]}), pd.DataFrame)

    def first(query: str) -> str:
        body = got(client, f"/artifacts/{artifact.id}/rows?{query}").partition("<tbody>")[2]
        return re.findall(r"<td[^>]*>([^<]*)</td>", body)[1]

    assert first("") == "x000" and first("at=100") == "x100"
    assert (first("sort=1"), first("sort=-1"), first("sort=-1&at=50")) == ("x000", "x119", "x069")
    assert first("at=5000") == "x100", "the last page"


def test_nulls_come_last_whichever_way_a_column_is_sorted(client: TestClient, put: Put):
    artifact = put(pd.DataFrame({"a": pd.array([2, None, 1], dtype="Int64")}), pd.DataFrame)

    for sort, wanted in (("0", ["1", "2", "–"]), ("-0", ["2", "1", "–"])):
        body = got(client, f"/artifacts/{artifact.id}/rows?sort={sort}").partition("<tbody>")[2]
        assert re.findall(r"<td[^>]*>([^<]*)</td>", body) == wanted


def test_columns_tell_their_range_their_spread_and_what_is_missing(client: TestClient, put: Put):
    frame = pd.DataFrame(
        {
            "record": [{"a": 9, "b": 9}, None, {"a": 8, "b": 9}, {"a": 9, "b": 9}],
            "n": [1.0, 2.0, None, 4.0],
            "when": pd.to_datetime(["2026-01-01", "2026-01-02", None, "2026-01-04"]),
            "text": ["a", "b", "a", None],
            "kind": pd.Categorical(["x", "y", "x", "x"]),
            "yes": [True, False, True, True],
            "list": [[1], [2], [], None],
        }
    )
    page = got(client, f"/artifacts/{put(frame, pd.DataFrame).id}/columns")

    assert "2.33333 ± 1.24722" in page and "2026-01-01 00:00:00" in page and page.count('class="bins"') == 2
    assert "<span>1</span><span>4</span>" in page, "the bounds of n, though a record before it has two columns inside"
    assert re.search(r'common-name">a</span>.*?muted">2<', page, re.S)


def test_a_long_text_is_shown_page_by_page_and_loses_no_line(client: TestClient, put: Put):
    lines = [f"line {number} é" for number in range(20_000)]
    artifact = put(Text("\n".join(lines)), Text, name="train_log")

    seen: list[str] = []
    pages = -(-artifact.size // (64 << 10))
    for at in range(pages):
        page = got(client, f"/artifacts/{artifact.id}?at={at}")
        assert len(page) < 1_500_000
        seen += re.findall(r"line \d+ é", page.partition("<pre")[2].partition("</pre>")[0])
    assert seen == lines


def test_the_history_follows_one_place_of_one_workflow_and_tells_gaps(client: TestClient, stored: Store, put: Put):
    for value in (1.0, 2.0):
        put(Metrics(loss=value), Metrics, name="metrics", keys=(("market", "US"),))
        put(Metrics(loss=77.0), Metrics, name="metrics", keys=(("market", "CA"),))
    missing = stored.records.start_run("flow", {}, "{}", "local")
    put(Metrics(loss=88.0), Metrics, name="metrics", workflow="other", keys=(("market", "US"),))
    last = put(Metrics(loss=3.0), Metrics, name="metrics", keys=(("market", "US"),))

    page = got(client, f"/artifacts/{last.id}/history")
    assert "3 of 6 runs of flow gave it" in page and ">77<" not in page and ">88<" not in page
    assert f'<a href="/runs/{missing.id}">' in page
    assert "No run in this time" not in got(client, f"/artifacts/{last.id}/history?days=1")


def test_a_value_that_a_run_reused_is_a_point_of_that_run_too(client: TestClient, stored: Store, put: Put):
    from kaon.artifacts import Found, digest_bytes

    key = digest_bytes(b"key")
    lease = stored.records.start_run("flow", {}, "{}", "local").lease
    (begun,) = stored.begin_steps(lease, [Begin("flow/step", "step", key=key)])
    output = stored.dumped(Metrics(loss=5), "value", Metrics)
    (made,) = stored.finish_steps(lease, [Ending(begun.step_run, "completed", outputs=(output,))])
    again = stored.records.start_run("flow", {}, "{}", "local").lease
    (found,) = stored.begin_steps(again, [Begin("flow/step", "step", key=key)])

    assert isinstance(found, Found)
    assert "2 of 2 runs of flow gave it" in got(client, f"/artifacts/{made['value'].id}/history")


def test_artifacts_are_found_by_name_kind_workflow_and_run_a_page_at_a_time(
    client: TestClient, stored: Store, put: Put
):
    lease = stored.records.start_run("flow", {}, "{}", "local").lease
    for number in range(60):
        put(number, int, name=f"number_{number}", lease=lease)
    other = put(Metrics(a=1), Metrics, name="100%_done", workflow="other")

    def ids(query: str) -> list[int]:
        return [int(found) for found in re.findall(r'class="strong" href="/artifacts/(\d+)"', got(client, query))]

    first = ids("/artifacts")
    older = re.search(r'href="(/artifacts\?before=\d+)" rel="next"', got(client, "/artifacts"))
    assert older and first + ids(older[1]) == list(range(other.id, 0, -1))
    assert ids("/artifacts?name=UMBER_5") == [*range(60, 50, -1), 6]
    assert (
        ids("/artifacts?name=100%25_")
        == ids("/artifacts?kind=metrics")
        == ids("/artifacts?workflow=other")
        == [other.id]
    )
    assert ids(f"/artifacts?run={other.run}") == [other.id]
    assert "No artifact fits" in got(client, "/artifacts?name=nothing")


def test_an_empty_store_has_an_empty_list(client: TestClient):
    assert "No artifacts yet" in got(client, "/artifacts")


def test_the_lineage_groups_what_is_alike_and_says_where_it_goes_on(client: TestClient, put: Put):
    source = put([1], list[int], name="source")
    middle = [put(n, int, name="part", path="flow/part", keys=(("n", n),), made_from=(source.id,)) for n in range(300)]
    joined = put(1, int, name="joined", path="flow/join", made_from=tuple(one.id for one in middle))
    end = put(1, int, name="end", path="flow/end", made_from=(joined.id,))

    page = got(client, f"/artifacts/{source.id}?depth=1")
    assert "part ×300" in page and 'href="?depth=2#lineage">More' in page and ">joined<" not in page
    assert ">joined<" in got(client, f"/artifacts/{source.id}?depth=2")
    assert "part ×300" in got(client, f"/artifacts/{end.id}?depth=2"), "200 of which are looked at"
    assert client.get(f"/artifacts/{end.id}?depth=99").status_code == 422


def test_two_artifacts_are_compared_as_their_kind_asks(client: TestClient, put: Put):
    first, second = put(Metrics(a=1, b=2), Metrics), put(Metrics(a=1.5, c=1), Metrics)
    page = got(client, f"/artifacts/{first.id}/diff/{second.id}")
    assert "+50.00%" in page and "only in the first" in page and "only in the second" in page

    old = pd.DataFrame({"user": ["a", "b", "c"], "x": [1, 2, 3], "gone": 1})
    new = pd.DataFrame({"user": ["b", "c", "d"], "x": [2, 4, 5], "come": "1"})
    tables = put(old, pd.DataFrame), put(new, pd.DataFrame)
    page = got(client, f"/artifacts/{tables[0].id}/diff/{tables[1].id}")
    assert "3 → 4" in page and "rows compared by" in page and ">user<" in page
    facts = dict(re.findall(r"<dt>(rows [a-z ]+)</dt><dd>([^<]*)</dd>", page))
    assert (facts["rows added"], facts["rows removed"], facts["rows changed"], facts["rows the same"]) == (
        "1",
        "1",
        "1",
        "1",
    )

    texts = put(Text("a\nb\n"), Text), put(Text("a\nc\n"), Text)
    page = got(client, f"/artifacts/{texts[0].id}/diff/{texts[1].id}")
    assert '<span class="line-removed">-b' in page and '<span class="line-added">+c' in page

    values = put({"a": [1, 2]}, dict[str, list[int]]), put({"a": [1, 3]}, dict[str, list[int]])
    assert "a[1]" in got(client, f"/artifacts/{values[0].id}/diff/{values[1].id}")
    assert "of kind json" in got(client, f"/artifacts/{values[0].id}/diff/{texts[0].id}")
    assert "byte for byte" in got(client, f"/artifacts/{values[0].id}/diff/{values[0].id}")
    assert client.get(f"/artifacts/{first.id}/diff?with=%23{second.id}", follow_redirects=False).headers[
        "location"
    ] == (f"/artifacts/{first.id}/diff/{second.id}")


def test_a_page_far_into_a_large_table_takes_no_reading_of_it_again(
    client: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch
):
    rows = 1_200_000
    artifact = put(pd.DataFrame({"n": np.arange(rows), "x": np.random.default_rng(0).random(rows)}), pd.DataFrame)
    got(client, f"/artifacts/{artifact.id}/rows?at=1000000")
    got(client, f"/artifacts/{artifact.id}/rows?sort=-1")
    monkeypatch.setattr(StoredRows, "_lay_out", lambda *_: pytest.fail("the table is laid out again"))
    monkeypatch.setattr(StoredRows, "_sorted", lambda *_: pytest.fail("the table is sorted again"))

    pages = [
        got(client, f"/artifacts/{artifact.id}/rows?at={at}&sort={sort}") for at in (0, 900_000) for sort in ("", "-1")
    ]
    assert "rows 900,001–900,050 of 1,200,000" in pages[2]
    assert "of 250,000 of them, taken evenly" in got(client, f"/artifacts/{artifact.id}/columns")


def test_a_table_of_very_many_columns_shows_the_first(client: TestClient, put: Put):
    artifact = put(pd.DataFrame({f"c{n}": [n] for n in range(300)}), pd.DataFrame)

    assert "200 columns more are not shown" in got(client, f"/artifacts/{artifact.id}")
    assert got(client, f"/artifacts/{artifact.id}/columns").count('class="card column"') == 100
    assert client.get(f"/artifacts/{artifact.id}/rows?sort=200").status_code == 404


def test_a_figure_cannot_change_how_it_is_drawn_and_holds_only_what_json_can_say(client: TestClient, put: Put):
    chart = altair.Chart(pd.DataFrame({"a": [1]}), usermeta={"embedOptions": {"ast": False}}).mark_bar().encode(x="a")
    page = got(client, f"/artifacts/{put(chart, altair.Chart).id}")
    assert "embedOptions" not in page and "vega" in page

    page = got(client, f"/artifacts/{put(np.array([[np.nan, 1.0], [2.0, np.inf]]), np.ndarray).id}")
    for spec in re.findall(r'<span class="chart-spec" hidden>(.*?)</span>', page, re.S):
        json.loads(spec, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_what_pages_have_computed_is_collected_when_nobody_asks_for_it_any_more(
    client: TestClient, stored: Store, put: Put
):
    artifact = put(pd.DataFrame({"a": range(100_000)}), pd.DataFrame)
    got(client, f"/artifacts/{artifact.id}/columns")
    computed = cache() / "views" / artifact.digest.removeprefix("sha256:")
    assert {path.name for path in computed.iterdir()} == {"table.arrow", "columns-1.json"}
    os.utime(computed, (0, 0))
    with stored.records.database._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET state = 'completed', ended = started")

    collect(stored, garbage(stored, timedelta(days=1)))

    assert not computed.exists()
    assert "49999.5" in got(client, f"/artifacts/{artifact.id}/columns"), "it is computed again"


def test_a_picture_is_a_picture_in_a_sandbox_and_svg_never_is(client: TestClient, put: Put, tmp_path: Path):
    from tests.artifacts.viewers.test_viewers import png

    (tmp_path / "dot.png").write_bytes(png())
    (tmp_path / "evil.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    dot, evil = put(File(tmp_path / "dot.png"), File), put(File(tmp_path / "evil.svg"), File)

    assert f'src="/artifacts/{dot.id}/blocks/1?viewer=file" alt="The picture dot.png."' in got(
        client, f"/artifacts/{dot.id}"
    )
    answer = client.get(f"/artifacts/{dot.id}/blocks/1?viewer=file")
    assert (answer.headers["content-type"], answer.content) == ("image/png", png())
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert "&lt;svg xmlns" in got(client, f"/artifacts/{evil.id}")
    assert client.get(f"/artifacts/{evil.id}/blocks/1").status_code == 404
