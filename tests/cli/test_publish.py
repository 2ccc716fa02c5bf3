"""`kaon publish list` and `kaon rank`."""

import json

import pytest


def published(home, name, version, created, run, **more):
    folder = home / "bundles" / name / version
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"created": created, "run": run, **more}))
    return folder


def test_bundles_are_listed_newest_first_with_run_state_and_metrics(kaon_home, call):
    metrics = {"ndcg@10": 0.71234, "index.recall@10": 0.98765}
    older = published(kaon_home, "recommendations", "aaa", "2026-11-21T08:00:00+00:00", 3, state="not validated")
    newer = published(
        kaon_home, "recommendations", "bbb", "2026-11-22T08:00:00+00:00", 7, state="validated", metrics=metrics
    )
    published(kaon_home, "recommendations", ".partial-99", "2026-11-23T08:00:00+00:00", 8)

    lines = [line.split() for line in call("publish", "list").out.splitlines()]
    described = json.loads(call("publish", "list", "--json").out)

    assert lines == [
        ["name", "version", "run", "state", "is", "image", "metrics", "when"],
        [
            "recommendations",
            "bbb",
            "7",
            "validated",
            "ndcg@10",
            "0.7123,",
            "index.recall@10",
            "0.9877",
            "2026-11-22T08:00",
        ],
        ["recommendations", "aaa", "3", "not", "validated", "2026-11-21T08:00"],
    ]
    assert [(bundle["version"], bundle["bundle"], bundle["run"], bundle["metrics"]) for bundle in described] == [
        ("bbb", str(newer), 7, metrics),
        ("aaa", str(older), 3, {}),
    ]


def test_which_model_is_meant_has_to_be_said_where_several_are_published(kaon_home, call):
    for name in ("films", "series"):
        published(kaon_home, name, "aaa", "2026-11-21T08:00:00+00:00", 3, state="validated")

    unclear, unknown = call("publish", "promote", "aaa"), call("publish", "rollback", "--name", "books")

    assert (unclear.code, unknown.code) == (2, 2)
    assert "published are films, series" in unclear.err and "--name films" in unclear.err
    assert unknown.err.startswith("nothing of the name 'books' is published\n")


def test_a_promoted_bundle_is_listed_as_champion_and_a_refused_one_says_why(kaon_home, call, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    published(kaon_home, "films", "aaa", "2026-11-21T08:00:00+00:00", 3, state="validated")
    published(kaon_home, "films", "bbb", "2026-11-22T08:00:00+00:00", 4, state="refused", reasons=["it was skewed"])

    promoted = call("publish", "promote", "aaa")

    assert promoted.out.splitlines()[0] == "films aaa is champion"
    listed = call("publish", "list").out
    assert ["films", "aaa", "3", "validated", "champion", "2026-11-21T08:00"] in [
        line.split() for line in listed.splitlines()
    ]
    assert listed.endswith("\nfilms bbb was refused: it was skewed\n")
    refused = call("publish", "promote", "bbb")
    assert refused.code == 1 and "was refused when it was published" in refused.err


def test_before_anything_is_published_the_list_says_how_to_publish(call):
    assert call("publish", "list").out == "nothing is published yet: kaon run recommendations\n"
    assert json.loads(call("publish", "list", "--json").out) == []


def test_ranking_needs_a_bundle_a_file_of_candidates_and_a_folder_to_write_to(tmp_path, call):
    lists = tmp_path / "candidates.tsv"
    lists.write_text("u1\ti1,i2\n")

    def told(bundle, candidates, out):
        called = call("rank", str(bundle), "--candidates", str(candidates), "--out", str(out))
        assert called.code == 2
        return called.err.partition("\n")[0]

    assert told(tmp_path / "none", lists, tmp_path / "out") == f"there is no bundle '{tmp_path}/none'"
    assert told(tmp_path, tmp_path / "none", tmp_path / "out") == f"there is no file '{tmp_path}/none'"
    assert told(tmp_path, lists, tmp_path / "no" / "out") == f"there is no folder '{tmp_path}/no' for out"


def test_a_folder_that_is_no_bundle_is_refused_without_a_traceback(tmp_path, project):
    lists = tmp_path / "candidates.tsv"
    lists.write_text("u1\ti1,i2\n")
    (tmp_path / "bundle").mkdir()

    ranked = project.kaon("rank", str(tmp_path / "bundle"), "--candidates", str(lists), "--out", str(tmp_path / "out"))

    assert ranked.returncode == 2
    assert str(tmp_path / "bundle") in ranked.stderr
    assert "Traceback" not in ranked.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [("rank",), ("rank", "bundle"), ("publish",)])
def test_what_is_missing_in_the_call_exits_with_2(call, arguments):
    assert call(*arguments).code == 2
