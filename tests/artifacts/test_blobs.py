from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from kaon.artifacts import Blobs, CorruptArtifact, Digest, MissingBlob, StoreNotWritable, digest_bytes
from kaon.artifacts.blobs import LocalBlobs, local, open_blobs, remote
from kaon.artifacts.blobs.remote import RemoteBlobs

RAW = b"some bytes" * 1000
DIGEST = digest_bytes(RAW)


@pytest.fixture(params=["local", "file url", "memory", "remote"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Blobs]:
    match request.param:
        case "local":
            yield open_blobs(tmp_path / "store")
        case "file url":
            yield open_blobs((tmp_path / "store").as_uri())
        case "memory":
            yield open_blobs("memory://")
        case _:
            monkeypatch.setattr(remote, "IN_MEMORY", 16)
            yield open_blobs(f"simplecache::memory://{tmp_path.name}")


def damage(blobs: Any, digest: Digest, raw: bytes | None) -> None:
    """Overwrite the blob behind the store's back, or remove it."""
    if isinstance(blobs, LocalBlobs):
        path = blobs._file(digest)
        path.chmod(0o644)
        path.unlink() if raw is None else path.write_bytes(raw)
    elif raw is None:
        blobs._files.rm(blobs._object(digest))
    else:
        blobs._files.pipe_file(blobs._object(digest), raw)


def test_what_is_put_is_found_under_its_digest(blobs: Blobs):
    assert blobs.put(io.BytesIO(RAW)) == (DIGEST, len(RAW))

    assert blobs.exists(DIGEST)
    assert list(blobs.digests()) == [DIGEST]
    with blobs.open(DIGEST) as source:
        assert source.read() == RAW
    assert blobs.path(DIGEST).read_bytes() == RAW


def test_the_same_bytes_are_kept_once(blobs: Blobs):
    blobs.put(io.BytesIO(RAW))
    blobs.put(io.BytesIO(RAW))
    blobs.put(io.BytesIO(b""))

    assert sorted(blobs.digests()) == sorted([DIGEST, digest_bytes(b"")])


def test_what_is_not_there_is_missed(blobs: Blobs):
    assert not blobs.exists(DIGEST)
    assert list(blobs.digests()) == []
    for read in (blobs.open, blobs.path):
        with pytest.raises(MissingBlob, match=DIGEST):
            read(DIGEST)


@pytest.mark.parametrize("raw", [b"", RAW[:-1], RAW[:-1] + b"?"])
def test_damaged_bytes_are_reported_and_never_returned(blobs: Blobs, raw: bytes):
    blobs.put(io.BytesIO(RAW))
    damage(blobs, DIGEST, raw)

    for read in (blobs.open, blobs.path):
        with pytest.raises(CorruptArtifact, match="are damaged") as caught:
            read(DIGEST)
        assert digest_bytes(raw) in caught.value.why and "--force" in caught.value.fix


@pytest.mark.parametrize("raw", [None, RAW[:-1] + b"?"])
def test_putting_the_bytes_again_mends_a_damaged_or_lost_blob(blobs: Blobs, raw: bytes | None):
    blobs.put(io.BytesIO(RAW))
    damage(blobs, DIGEST, raw)
    blobs.put(io.BytesIO(RAW))

    with blobs.open(DIGEST) as source:
        assert source.read() == RAW


def test_bytes_in_memory_are_read_whole_while_they_are_put_again():
    blobs, raw = open_blobs("memory://"), bytes(300_000)
    digest = blobs.put(io.BytesIO(raw)).digest
    failed: list[BaseException] = []

    def put() -> None:
        try:
            for _ in range(50):
                blobs.put(io.BytesIO(raw))
        except BaseException as error:
            failed.append(error)

    writers = [threading.Thread(target=put) for _ in range(2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert blobs.open(digest).read() == raw

    assert failed == []


def test_two_stores_in_memory_share_nothing():
    first, second = open_blobs("memory://"), open_blobs("memory://")
    first.put(io.BytesIO(RAW))

    assert not second.exists(DIGEST)


def test_a_cached_copy_that_someone_changed_is_fetched_again():
    blobs = RemoteBlobs.at("memory://")
    blobs.put(io.BytesIO(RAW))
    blobs.path(DIGEST).chmod(0o644)
    blobs.path(DIGEST).write_bytes(b"changed")

    assert blobs.path(DIGEST).read_bytes() == RAW


def test_a_local_blob_is_read_only_and_nothing_is_left_beside_it(tmp_path: Path):
    blobs = LocalBlobs(tmp_path)
    blobs.put(io.BytesIO(RAW))

    assert blobs.path(DIGEST).stat().st_mode & 0o777 == 0o444
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_failing_stream_leaves_nothing_behind(tmp_path: Path):
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise RuntimeError("the network is gone")
            return super().read(5)

    blobs = LocalBlobs(tmp_path)
    with pytest.raises(RuntimeError, match="network"):
        blobs.put(Broken(RAW))

    assert list(blobs.digests()) == [] and list((tmp_path / "temporary").iterdir()) == []


def test_what_killed_writers_left_is_cleared_away_and_what_others_write_is_not(tmp_path: Path):
    LocalBlobs(tmp_path).put(io.BytesIO(RAW))
    host = os.uname().nodename
    names = [f"{host}.999999999.old", f"{host}.999999998.new", f"{host}.1.lives", f"{host}.{os.getpid()}.ours",
             "elsewhere.999999999.x", "stranger"]  # fmt: skip
    for name in names:
        (tmp_path / "temporary" / name).write_bytes(b"half")
        if not name.endswith(".new"):
            os.utime(tmp_path / "temporary" / name, (time.time() - 7200,) * 2)

    LocalBlobs(tmp_path).put(io.BytesIO(b"other"))

    assert sorted(path.name for path in (tmp_path / "temporary").iterdir()) == sorted(names[1:])


def test_a_store_below_a_file_is_refused_with_path_and_mend(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreNotWritable) as caught:
        LocalBlobs(tmp_path / "file" / "store").put(io.BytesIO(RAW))
    assert str(tmp_path / "file") in caught.value.where and "KAON_HOME" in caught.value.fix


LATER = timedelta(hours=1)


def test_a_blob_tells_its_size_and_when_it_was_last_put(blobs: Blobs):
    started = datetime.now(UTC) - timedelta(seconds=1)
    blobs.put(io.BytesIO(RAW))
    first = blobs.use(DIGEST)
    time.sleep(0.02)
    blobs.put(io.BytesIO(RAW))

    assert first.size == len(RAW)
    assert started < first.put < blobs.use(DIGEST).put < datetime.now(UTC) + timedelta(seconds=1)
    with pytest.raises(MissingBlob):
        blobs.use(digest_bytes(b"never put"))


def test_a_blob_is_removed_only_if_it_was_last_put_before_that(blobs: Blobs):
    blobs.put(io.BytesIO(RAW))

    assert not blobs.remove(DIGEST, datetime.now(UTC) - LATER)
    assert blobs.exists(DIGEST)
    assert blobs.remove(DIGEST, datetime.now(UTC) + LATER)
    assert not blobs.exists(DIGEST) and list(blobs.digests()) == []
    assert not blobs.remove(DIGEST, datetime.now(UTC) + LATER)


def age(folder: Path, digest: Digest) -> None:
    path = LocalBlobs(folder)._file(digest)
    os.utime(path, (time.time() - 7200,) * 2)


class Killed(BaseException):
    """Raised in the place of a signal that cannot be caught."""


def kill() -> None:
    raise Killed


def at_lines(deeds: Mapping[int, Callable[[], object]], during: Callable[[], object]) -> bool:
    """Call `during`, and each deed when that line, counted as they run, of blobs/local.py is reached.

    Returns whether all were.
    """
    seen = 0

    def trace(frame: Any, event: str, _argument: object) -> Any:
        nonlocal seen
        if frame.f_code.co_filename != local.__file__:
            return None
        if event == "line":
            seen += 1
            deeds.get(seen, lambda: None)()
        return trace

    others = sys.gettrace()  # what measures coverage
    sys.settrace(trace)
    try:
        during()
    finally:
        sys.settrace(others)
    return seen >= max(deeds)


def test_bytes_that_are_put_again_at_any_moment_of_a_removal_stay(tmp_path: Path):
    writer, collection, line, reached = LocalBlobs(tmp_path), LocalBlobs(tmp_path), 0, True
    while reached:
        line += 1
        writer.put(io.BytesIO(RAW))
        age(tmp_path, DIGEST)
        reached = at_lines(
            {line: lambda: writer.put(io.BytesIO(RAW))},
            lambda: collection.remove(DIGEST, datetime.now(UTC) - LATER),
        )

        assert writer.exists(DIGEST) == reached, line
        assert list(tmp_path.glob("aside/*")) == []
    assert line > 8


def test_a_removal_at_any_moment_of_a_put_leaves_what_is_put(tmp_path: Path):
    writer, collection, line, reached = LocalBlobs(tmp_path), LocalBlobs(tmp_path), 0, True
    while reached:
        line += 1
        writer.put(io.BytesIO(RAW))
        age(tmp_path, DIGEST)
        reached = at_lines(
            {line: lambda: collection.remove(DIGEST, datetime.now(UTC) - LATER)},
            lambda: writer.put(io.BytesIO(RAW)),
        )

        with writer.open(DIGEST) as source:
            assert source.read() == RAW
    assert line > 20


def test_a_removal_killed_at_any_moment_loses_nothing_that_somebody_put_meanwhile(tmp_path: Path):
    writer = LocalBlobs(tmp_path)

    def removal_killed_at(line: int, put_at: int) -> bool:
        writer.put(io.BytesIO(RAW))
        age(tmp_path, DIGEST)
        removal = partial(LocalBlobs(tmp_path).remove, DIGEST, datetime.now(UTC) - LATER)
        with suppress(Killed):
            return at_lines({put_at: lambda: writer.put(io.BytesIO(RAW)), line: kill}, removal)
        return True

    for put_at in count(1):
        killed = 0
        for line in count(put_at + 1):
            if not removal_killed_at(line, put_at):
                break
            killed += 1
            assert LocalBlobs(tmp_path).exists(DIGEST), (put_at, line)
        if not killed:
            break
    assert put_at > 8


def test_what_a_killed_removal_set_aside_is_still_there_and_can_be_removed(tmp_path: Path):
    blobs = LocalBlobs(tmp_path)
    blobs.put(io.BytesIO(RAW))
    os.rename(blobs._file(DIGEST), tmp_path / "aside" / DIGEST.removeprefix("sha256:"))

    assert list(blobs.digests()) == [DIGEST]
    assert blobs.exists(DIGEST)
    assert blobs.remove(DIGEST, datetime.now(UTC) + LATER)
    assert not blobs.exists(DIGEST)


def test_leftovers_are_the_temporary_files_that_nobody_will_finish(tmp_path: Path):
    blobs = LocalBlobs(tmp_path)
    blobs.put(io.BytesIO(RAW))
    host = os.uname().nodename
    for name in (f"{host}.999999999.ours", "elsewhere.12.theirs", f"{host}.{os.getpid()}.lives", "stranger"):
        (tmp_path / "temporary" / name).write_bytes(b"half")

    assert list(blobs.leftovers(datetime.now(UTC) - LATER)) == []
    assert {path.name for path in blobs.leftovers(datetime.now(UTC) + LATER)} == {
        f"{host}.999999999.ours",
        "elsewhere.12.theirs",
    }
