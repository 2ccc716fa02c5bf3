from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kaon.artifacts import Begin, Begun, Digest, Directory, Ending, Lease, Store, StoreError, open_store
from kaon.artifacts.collection import collect, garbage
from kaon.artifacts.home import cache

NOW = timedelta(0)
WEEK = timedelta(days=7)


@pytest.fixture
def store(disk_store: Store) -> Store:
    """A store whose only run has ended and made one large artifact."""
    lease = disk_store.records.start_run("flow", {}, "{}", "local").lease
    recorded(disk_store, lease, "wanted")
    disk_store.records.end_run(lease, "completed")
    return disk_store


def recorded(store: Store, lease: Lease, text: str) -> Digest:
    """Make a large artifact of the text, as a step of the run does."""
    (begun,) = store.begin_steps(lease, [Begin("flow/step", "step")])
    assert isinstance(begun, Begun)
    output = store.dumped(text * 5000, "text", str)
    store.finish_steps(lease, [Ending(begun.step_run, "completed", outputs=(output,))])
    return output.digest


def orphan(store: Store, text: str, days: float = 0.0) -> Digest:
    """Put bytes that no artifact names, so many days ago."""
    digest = store.blobs.put(io.BytesIO(text.encode())).digest
    used(store.blobs.path(digest), days)
    return digest


def used(path: Path, days: float) -> None:
    os.utime(path, (time.time() - days * 86400,) * 2)


def test_what_no_artifact_names_goes_and_what_one_names_stays(store: Store):
    first, second = orphan(store, "first", 8), orphan(store, "another", 9)
    (wanted,) = set(store.blobs.digests()) - {first, second}
    used(store.blobs.path(wanted), 30)

    found = garbage(store, WEEK)
    gone = collect(store, found)

    assert {blob.digest for blob in found.blobs} == {first, second}
    assert found.size == len("first" + "another")
    assert gone == found
    assert list(store.blobs.digests()) == [wanted]


def test_looking_changes_nothing(store: Store):
    digest = orphan(store, "orphan", 8)

    garbage(store, WEEK)

    assert store.blobs.exists(digest)


def test_a_fresh_orphan_stays(store: Store):
    fresh = orphan(store, "fresh", 6.9)

    found = garbage(store, WEEK)

    assert (found.blobs, found.young) == ((), 1)
    assert collect(store, found).size == 0
    assert store.blobs.exists(fresh)


def test_what_is_put_or_named_after_the_look_stays(store: Store):
    put, gone = orphan(store, "put again", 8), orphan(store, "gone", 8)
    named = store.dumped("named " * 5000, "text", str).digest
    used(store.blobs.path(named), 8)
    found = garbage(store, WEEK)
    store.blobs.put(io.BytesIO(b"put again"))
    assert recorded(store, store.records.start_run("flow", {}, "{}", "local").lease, "named ") == named
    used(store.blobs.path(named), 8)

    removed = collect(store, found)

    assert {blob.digest for blob in found.blobs} == {put, gone, named}
    assert {blob.digest for blob in removed.blobs} == {gone}
    assert store.blobs.exists(put) and store.blobs.exists(named)


def test_nothing_goes_that_was_put_since_a_run_began_that_goes_on(store: Store):
    before = orphan(store, "before", 1)
    run = store.records.start_run("flow", {}, "{}", "local")
    put = store.dumped("x" * 5000, "text", str)

    found = garbage(store, NOW, datetime.now(UTC) + timedelta(days=2))

    assert [blob.digest for blob in found.blobs] == [before]
    assert found.young == 1
    store.records.end_run(run.lease, "failed")
    assert put.digest in {blob.digest for blob in garbage(store, NOW, datetime.now(UTC) + timedelta(days=2)).blobs}


def test_a_run_whose_process_is_stopped_counts_as_one_that_may_still_write(store: Store):
    run = store.records.start_run("flow", {}, "{}", "local")
    put = store.dumped("x" * 5000, "text", str)

    found = garbage(store, NOW, run.heartbeat + timedelta(hours=2))

    assert put.digest not in {blob.digest for blob in found.blobs}


def test_a_killed_run_keeps_nothing(store: Store, tmp_path: Path):
    code = (
        "import io, sys; from kaon.artifacts import open_store; store = open_store(sys.argv[1]);"
        "store.records.start_run('flow', {}, '{}', 'local'); print(store.blobs.put(io.BytesIO(b'half')).digest)"
    )
    done = subprocess.run([sys.executable, "-c", code, store.url], capture_output=True, text=True)
    digest = Digest(done.stdout.strip())

    found = garbage(store, NOW, datetime.now(UTC) + timedelta(minutes=1))

    assert [blob.digest for blob in found.blobs] == [digest], done.stderr


def test_blobs_without_any_records_are_not_garbage(tmp_path: Path):
    store = open_store(tmp_path / "store")
    orphan(store, "all there is", 30)

    with pytest.raises(StoreError, match="its records name no run") as caught:
        garbage(store, WEEK)

    assert "restore the records" in caught.value.fix


def test_a_store_that_was_never_used_has_no_garbage(tmp_path: Path):
    assert garbage(open_store(tmp_path / "store"), WEEK).size == 0
    assert not (tmp_path / "store").exists()


def test_temporary_files_of_killed_writers_go(store: Store, tmp_path: Path):
    left = tmp_path / "store" / "temporary" / f"{os.uname().nodename}.999999999.half"
    left.write_bytes(b"half")
    used(left, 8)

    gone = collect(store, garbage(store, WEEK))

    assert [piece.path for piece in gone.leftovers] == [left]
    assert not left.exists()


def test_caches_go_that_nobody_has_used_for_long(store: Store, tmp_path: Path):
    old_file, old_folder = cache() / "files" / "abc", cache() / "directories" / "def"
    fresh, old_blob = cache() / "files" / "fresh", cache() / "blobs" / "ab" / "abc"
    for path in (old_file, old_folder / "inside" / "file", fresh, old_blob):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    for path in (old_file, old_folder, old_blob):
        used(path, 8)

    found = garbage(store, WEEK)
    gone = collect(store, found)

    assert {piece.path for piece in gone.cached} == {old_file, old_folder, old_blob}
    assert gone.size == 15
    assert [path for path in (old_file, old_folder, old_blob, fresh) if path.exists()] == [fresh]
    assert [path.name for path in (cache() / "directories").iterdir()] == []


def test_reading_a_cached_folder_says_that_it_is_wanted(store: Store, tmp_path: Path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "file").write_text("hello")
    lease = store.records.start_run("flow", {}, "{}", "local").lease
    (begun,) = store.begin_steps(lease, [Begin("flow/step", "step")])
    assert isinstance(begun, Begun)
    output = store.dumped(Directory(tmp_path / "made"), "folder", Directory)
    (made,) = store.finish_steps(lease, [Ending(begun.step_run, "completed", outputs=(output,))])
    store.records.end_run(lease, "completed")
    folder = store.get(made["folder"], Directory)
    assert isinstance(folder, Directory)
    used(folder.path, 8)
    found = garbage(store, WEEK)
    assert store.get(made["folder"], Directory) == folder

    gone = collect(store, found)

    assert [piece.path for piece in found.cached] == [folder.path]
    assert gone.cached == ()
    assert (folder.path / "file").read_text() == "hello"


WRITER = """
import random, sys
from kaon.artifacts import Begin, Ending, open_store

store, chance = open_store(sys.argv[1]), random.Random(sys.argv[2])
lease = store.records.start_run("flow", {}, "{}", "local").lease
for turn in range(int(sys.argv[3])):
    (begun,) = store.begin_steps(lease, [Begin("flow/step", "step")])
    output = store.dumped(f"{chance.randrange(40)} " * 3000, "text", str)
    store.finish_steps(lease, [Ending(begun.step_run, "completed", outputs=(output,))])
store.records.end_run(lease, "completed")
"""


def test_a_collection_while_others_write_takes_orphans_and_nothing_that_is_recorded(store: Store, tmp_path: Path):
    chance = random.Random(5)
    for number in range(40):
        used(store.blobs.path(store.dumped(f"{number} " * 3000, "text", str).digest), 1)  # the writers make it again
        orphan(store, f"never wanted {number}", 1)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, store.url, str(number), "60"]) for number in range(2)]
    removed = 0
    while any(writer.poll() is None for writer in writers):
        removed += len(collect(store, garbage(store, NOW)).blobs)
        time.sleep(chance.uniform(0, 0.02))

    assert [writer.returncode for writer in writers] == [0, 0]
    assert removed >= 40
    for run in store.records.runs():
        for _, _, artifact in store.records.outputs(run.id):
            store.open(artifact).close()


def test_a_collection_killed_at_any_moment_can_be_done_again(store: Store, tmp_path: Path):
    code = (
        "import sys; from datetime import timedelta; from kaon.artifacts import open_store;"
        "from kaon.artifacts.collection import collect, garbage; store = open_store(sys.argv[1]);"
        "collect(store, garbage(store, timedelta(days=7)))"
    )
    orphans = {orphan(store, f"orphan {number}", 8) for number in range(300)}
    collection = subprocess.Popen([sys.executable, "-c", code, store.url])
    while orphans <= set(store.blobs.digests()):
        assert collection.poll() is None
        time.sleep(0.001)
    collection.send_signal(signal.SIGKILL)
    collection.wait()
    left = orphans & set(store.blobs.digests())

    collect(store, garbage(store, WEEK))

    assert len(left) < 300
    assert orphans & set(store.blobs.digests()) == set()
