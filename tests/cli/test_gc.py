"""`kaon gc`: what goes, what stays, and what is said of it."""

import io
import json
import os
import time

import pytest
from tests.cli.conftest import written

from kaon.artifacts import Digest, Store, open_store


@pytest.fixture
def store(project) -> Store:
    """The project's store, with one run that has ended."""
    store = open_store(project.home / "store")
    store.records.end_run(store.records.start_run("demo", {}, "{}", "local").lease, "completed")
    return store


def orphan(store: Store, text: str, days: float) -> Digest:
    digest = store.blobs.put(io.BytesIO(text.encode())).digest
    os.utime(store.blobs.path(digest), (time.time() - days * 86400,) * 2)
    return digest


def test_a_dry_run_says_what_would_go_and_removes_nothing(project, store, call):
    old, fresh = orphan(store, "x" * 2048, 8), orphan(store, "fresh", 1)

    said = call("gc", "--dry-run", project=project)

    assert said.code == 0
    assert said.out.splitlines()[0].endswith("because a run may record them yet: 1")
    assert [line.split("  ")[0].strip() for line in said.out.splitlines()[1:]] == [
        "would go",
        "blobs that no artifact names",
        "files of killed writers",
        "cached copies",
        "together",
    ]
    assert "2.0 KiB" in said.out
    assert set(store.blobs.digests()) == {old, fresh}


def test_what_is_old_goes_and_is_counted(project, store, call):
    fresh = orphan(store, "fresh", 1)
    orphan(store, "x" * 2048, 8)

    told = json.loads(call("gc", "--json", project=project).out)

    assert told["blobs"] == {"count": 1, "bytes": 2048}
    assert (told["dry_run"], told["bytes"], told["young"]) == (False, 2048, 1)
    assert list(store.blobs.digests()) == [fresh]


def test_the_age_can_be_chosen(project, store, call):
    orphan(store, "a day old", 1)

    assert json.loads(call("gc", "--older-than", "2d", "--json", project=project).out)["blobs"]["count"] == 0
    assert json.loads(call("gc", "--older-than", "20h", "--json", project=project).out)["blobs"]["count"] == 1
    assert call("gc", "--older-than", "0s", project=project).out == "nothing to remove\n"


def test_an_age_without_a_unit_is_refused_with_the_mend(call):
    refused = call("gc", "--older-than", "seven")

    assert refused.code == 2
    assert "'seven' is no age" in refused.err and "fix: kaon gc --older-than 7d" in refused.err


def test_records_that_are_gone_make_no_garbage(tmp_path, call):
    project = written(tmp_path)
    store = open_store(project.home / "store")
    orphan(store, "all there is", 30)

    refused = call("gc", project=project)

    assert refused.code == 1
    assert "its records name no run" in refused.err
    assert len(list(store.blobs.digests())) == 1


def test_the_artifacts_of_a_run_stay(ran, call):
    before = set(open_store(ran.home / "store").blobs.digests())

    call("gc", "--older-than", "0s", project=ran)

    assert set(open_store(ran.home / "store").blobs.digests()) == before
