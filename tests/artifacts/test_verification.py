from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from kaon.artifacts import Begin, Begun, Digest, Ending, NewerStore, NewOutput, Store, open_store
from kaon.artifacts.blobs import LocalBlobs
from kaon.artifacts.records.tables import VERSION, inline_values, schema_version
from kaon.artifacts.verification import verify


@pytest.fixture
def made(disk_store: Store) -> dict[str, NewOutput]:
    """What the only run of the store made."""
    return made_in(disk_store)


def made_in(store: Store) -> dict[str, NewOutput]:
    """Make a blob and a value in the records, as a run does."""
    lease = store.records.start_run("flow", {}, "{}", "local").lease
    (begun,) = store.begin_steps(lease, [Begin("flow/step", "step")])
    assert isinstance(begun, Begun)
    outputs = (store.dumped("x" * 5000, "large", str), store.dumped(7, "small", int))
    store.finish_steps(lease, [Ending(begun.step_run, "completed", outputs=outputs)])
    store.records.end_run(lease, "completed")
    return {output.name: output for output in outputs}


def damage(store: Store, digest: Digest) -> None:
    assert isinstance(store.blobs, LocalBlobs)
    path = store.blobs.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"?" + path.read_bytes()[1:])


def test_a_whole_store_is_read_to_the_last_byte(disk_store: Store, made: dict[str, NewOutput]):
    seen: list[tuple[int, int]] = []

    verified = verify(disk_store, lambda read, of: seen.append((read, of)))

    assert (verified.version, verified.values) == (VERSION, 2)
    assert verified.size == sum(output.size for output in made.values())
    assert verified.damaged == verified.missing == verified.silent == verified.damaged_unnamed == ()
    assert seen == [(1, 2), (2, 2)]


def test_a_damaged_blob_is_found_with_the_artifact_that_names_it(disk_store: Store, made: dict[str, NewOutput]):
    damage(disk_store, made["large"].digest)

    (damaged,) = verify(disk_store).damaged

    assert (damaged.digest, damaged.name, damaged.size) == (made["large"].digest, "large", made["large"].size)
    assert disk_store.records.artifact(damaged.artifact).name == "large"


def test_a_damaged_value_in_the_records_is_found(disk_store: Store, made: dict[str, NewOutput]):
    disk_store.records.database.write(lambda records: records.execute(update(inline_values).values(raw=b"8")))

    assert [damaged.name for damaged in verify(disk_store).damaged] == ["small"]


def test_a_missing_blob_is_found_with_the_artifact_that_names_it(disk_store: Store, made: dict[str, NewOutput]):
    disk_store.blobs.path(made["large"].digest).unlink()

    assert [missing.name for missing in verify(disk_store).missing] == ["large"]
    assert verify(disk_store).damaged == ()


def test_a_damaged_blob_that_no_artifact_names_is_told_apart(disk_store: Store, made: dict[str, NewOutput]):
    orphan = disk_store.blobs.put(io.BytesIO(b"orphan")).digest
    damage(disk_store, orphan)

    verified = verify(disk_store)

    assert (verified.damaged, verified.damaged_unnamed) == ((), (orphan,))


def test_a_run_that_died_without_an_end_is_found(disk_store: Store, made: dict[str, NewOutput]):
    code = (
        "import sys; from kaon.artifacts import open_store;"
        "open_store(sys.argv[1]).records.start_run('training', {}, '{}', 'local')"
    )
    subprocess.run([sys.executable, "-c", code, disk_store.url], check=True)
    disk_store.records.start_run("alive", {}, "{}", "local")

    (silent,) = verify(disk_store).silent

    assert (silent.run, silent.workflow) == (2, "training")
    assert silent.reason.startswith("its process died")
    assert [run.run for run in verify(disk_store, time=datetime.now(UTC) + timedelta(minutes=1)).silent] == [2, 3]


def test_more_values_than_a_page_are_all_read(disk_store: Store):
    lease = disk_store.records.start_run("flow", {}, "{}", "local").lease
    begun = disk_store.begin_steps(lease, [Begin("flow/step", "step", (("n", n),)) for n in range(1100)])
    disk_store.finish_steps(
        lease,
        [
            Ending(step.step_run, "completed", outputs=(disk_store.dumped(n, "n", int),))
            for n, step in enumerate(begun)
            if isinstance(step, Begun)
        ],
    )

    verified = verify(disk_store)

    assert (verified.values, verified.damaged, verified.missing) == (1100, (), ())


def test_a_store_that_was_never_used_is_whole_and_stays_unwritten(tmp_path: Path):
    verified = verify(open_store(tmp_path / "store"))

    assert (verified.values, verified.damaged, verified.missing, verified.silent) == (0, (), (), ())
    assert not (tmp_path / "store").exists()


def test_records_of_a_newer_kaon_are_refused(disk_store: Store, made: dict[str, NewOutput]):
    newer = update(schema_version).values(version=VERSION + 1)
    disk_store.records.database.write(lambda records: records.execute(newer))

    with pytest.raises(NewerStore):
        verify(open_store(disk_store.url))


READ_ONLY = """
import os, sys
from datetime import timedelta
import kaon.artifacts.references, sqlite3
from kaon.artifacts import StoreNotWritable, open_store
from kaon.artifacts.collection import collect, garbage
from kaon.artifacts.verification import verify

if os.getuid() == 0:
    os.setuid(65534)
store = open_store(sys.argv[1])
for look in (lambda: verify(store), lambda: collect(store, garbage(store, timedelta(0)))):
    try:
        look()
    except StoreNotWritable as error:
        print(error)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_store_that_this_user_may_only_read_is_said_with_path_and_mend(open_folder: Path):
    store = open_store(open_folder)
    made_in(store)
    blobs = {store.blobs.put(io.BytesIO(b"orphan")).digest, *store.blobs.digests()}
    store.records.database.close()
    open_folder.chmod(0o555)
    done = subprocess.run([sys.executable, "-c", READ_ONLY, str(open_folder)], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the store cannot be written") == 2
    assert done.stdout.count(f"where: {open_folder}") == 2 and "fix: give this user the right" in done.stdout
    assert set(store.blobs.digests()) == blobs
