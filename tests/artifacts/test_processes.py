"""Real processes: killed at any instant, writing at once, without space, without rights."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kaon.artifacts import digest_bytes, open_store

WRITER = """
import sys
from kaon.artifacts import Begin, Ending, digest_bytes, open_store

store, name = open_store(sys.argv[1]), sys.argv[2]
run = store.records.start_run(name, {}, "{}", "local")
for turn in range(int(sys.argv[3])):
    calls = [Begin("flow/step", "step", (("i", i),), key=digest_bytes(f"{name} {turn} {i}".encode())) for i in (0, 1)]
    endings = []
    for call, begun in zip(calls, store.begin_steps(run.lease, calls)):
        large = store.dumped(f"{name} {turn} " * 20_000, "large", str)
        small = store.dumped(turn, "small", int)
        shared = store.dumped("shared " * 1000 + str(turn), "shared", str)
        endings.append(Ending(begun.step_run, "completed", outputs=(large, small, shared)))
    store.finish_steps(run.lease, endings)
    print(turn, flush=True)
store.records.end_run(run.lease, "completed")
"""


OPENERS = """
import os, sys, time
from pathlib import Path
from kaon.artifacts import open_store

open_store("memory://").records.start_run("flow", {}, "{}", "local")  # imports all that it takes
for turn in range(20):
    at, openers = time.monotonic() + 0.05, []
    for _ in range(6):
        openers.append(os.fork())
        if not openers[-1]:
            while time.monotonic() < at:
                pass
            open_store(Path(sys.argv[1], str(turn))).records.start_run("flow", {}, "{}", "local")
            os._exit(0)
    assert [os.waitpid(opener, 0)[1] for opener in openers] == [0] * 6
"""
"""New stores, each opened by six processes at the same moment."""


def start(folder: Path, name: str, turns: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(turns)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def check_whole(folder: Path) -> dict[str, set[int]]:
    """Check everything that the store holds, and return the turns that each writer committed."""
    store = open_store(folder)
    for digest in store.blobs.digests():
        with store.blobs.open(digest) as source:
            assert digest_bytes(source.read()) == digest
    committed: dict[str, set[int]] = {}
    for run in store.records.runs():
        for artifact in store.records.artifacts_of_step(run.id, "flow/step"):
            store.open(artifact).close()
        steps = store.records.step_runs(run.id)
        for pair in zip(steps[::2], steps[1::2], strict=True):
            assert pair[0].state == pair[1].state
            assert pair[0].state in ("completed", "failed", "running")
        for step in steps:
            if step.state == "completed":
                assert step.key is not None
                outputs = store.find(step.key)
                assert outputs is not None and set(outputs) == {"large", "small", "shared"}
                turn: Any = store.get(outputs["small"], int)
                assert store.get(outputs["large"], str) == f"{run.workflow} {turn} " * 20_000
                committed.setdefault(run.workflow, set()).add(turn)
    store.records.database.close()
    return committed


def test_nothing_is_lost_or_torn_when_a_writer_is_killed_at_any_instant(tmp_path: Path):
    chance = random.Random(7)
    said: dict[str, set[int]] = {}
    for number in range(8):
        name = f"writer{number}"
        writer = start(tmp_path, name, 10_000)
        assert writer.stdout is not None
        lines = [writer.stdout.readline()]
        time.sleep(chance.uniform(0, 0.12))
        writer.send_signal(signal.SIGKILL)
        rest, errors = writer.communicate()
        said[name] = {int(line) for line in [*lines, *rest.splitlines(keepends=True)] if line.endswith("\n")}
        assert said[name] and errors == ""

        committed = check_whole(tmp_path)

        assert all(said[name] <= committed[name] for name in said)
        assert open_store(tmp_path).records.runs()[0].state == "failed"


def test_a_writer_killed_while_it_starts_leaves_a_store_that_opens(tmp_path: Path):
    chance = random.Random(3)
    for number in range(6):
        writer = start(tmp_path, f"early{number}", 3)
        time.sleep(chance.uniform(0.2, 0.9))
        writer.kill()
        writer.communicate()

        check_whole(tmp_path)
    assert start(tmp_path, "last", 1).wait() == 0
    assert check_whole(tmp_path)["last"] == {0}


def test_processes_that_open_a_new_store_at_once_all_write_to_it(tmp_path: Path):
    done = subprocess.run([sys.executable, "-c", OPENERS, str(tmp_path)], capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr
    assert all(len(open_store(tmp_path / str(turn)).records.runs()) == 6 for turn in range(20))


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path):
    writers = [start(tmp_path, f"writer{number}", 12) for number in range(3)]
    ended = [writer.communicate(timeout=120) for writer in writers]

    assert [errors for _, errors in ended] == ["", "", ""]
    assert check_whole(tmp_path) == {f"writer{number}": set(range(12)) for number in range(3)}
    assert {run.state for run in open_store(tmp_path).records.runs()} == {"completed"}
    blobs = list(open_store(tmp_path).blobs.digests())
    assert len(blobs) == 3 * 12 + 12


def run_limited(code: str, folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, **options)


KILLED_AT_EVERY_LINE = """
import io, os, signal, sys
from pathlib import Path
from kaon.artifacts.blobs import local

folder = Path(sys.argv[1])


def put(line):
    seen = 0

    def trace(frame, event, argument):
        nonlocal seen
        if frame.f_code.co_filename != local.__file__:
            return None
        seen += event == "line"
        if seen == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    local.LocalBlobs(folder / str(line)).put(io.BytesIO(b"%d " % line * 5000))
    sys.settrace(None)


line, ended = 0, signal.SIGKILL
while ended:
    line += 1
    child = os.fork()
    if child == 0:
        put(line)
        os._exit(0)
    ended = os.waitpid(child, 0)[1]
    assert ended in (0, signal.SIGKILL), ended
    for digest in local.LocalBlobs(folder / str(line)).digests():
        local.LocalBlobs(folder / str(line)).open(digest).close()
print(line)
"""


def test_a_writer_killed_at_any_line_leaves_no_torn_blob(tmp_path: Path):
    done = run_limited(KILLED_AT_EVERY_LINE, tmp_path)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


FULL = """
import resource, sys
from kaon.artifacts import Begin, Ending, StoreFull, open_store

store = open_store(sys.argv[1])
lease = store.records.start_run("flow", {}, "{}", "local").lease

def put(value):
    step_run = store.begin_steps(lease, [Begin("flow/step", "step")])[0].step_run
    output = store.dumped(value, "value", str)
    return store.finish_steps(lease, [Ending(step_run, "completed", outputs=(output,))])[0]["value"]

kept = put("kept " * 2000)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    put("x" * 1_000_000)
except StoreFull as error:
    print(error)
try:
    for turn in range(10_000):
        put("x" * 4000 + str(turn))
except StoreFull as error:
    print(error)
assert store.get(kept, str) == "kept " * 2000
"""


def test_a_full_disk_is_said_with_path_and_mend_and_harms_nothing_that_was_stored(tmp_path: Path):
    done = run_limited(FULL, tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the store has no space left") == 2
    assert done.stdout.count(f"where: {tmp_path}") == 2 and "KAON_HOME" in done.stdout
    store = open_store(tmp_path)
    for digest in store.blobs.digests():
        store.blobs.open(digest).close()
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


FORBIDDEN = """
import os, sys
from kaon.artifacts import StoreNotWritable, kaon_home, open_store

if os.getuid() == 0:
    import kaon.artifacts.records.records, sqlite3
    os.setuid(65534)
for place in (sys.argv[1], sys.argv[1] + "/deeper"):
    store = open_store(place)
    for write in (lambda: store.records.start_run("flow", {}, "{}", "local"),
                  lambda: store.blobs.put(open("/proc/self/cmdline", "rb"))):
        try:
            write()
        except StoreNotWritable as error:
            print(error)
"""


def test_a_store_that_this_user_may_not_write_is_said_with_path_and_mend(open_folder: Path):
    if os.getuid() != 0:
        open_folder.chmod(0o555)
    done = run_limited(FORBIDDEN, open_folder)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the store cannot be written") == 4
    assert done.stdout.count(f"where: {open_folder}") == 4 and done.stdout.count("fix: give this user the right") == 4
