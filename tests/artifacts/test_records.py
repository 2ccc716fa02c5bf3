from __future__ import annotations

import math
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kaon.artifacts import (
    AlreadyEnded,
    Message,
    NewerStore,
    StoreBusy,
    StoreError,
    StoreNotWritable,
    UnknownRecord,
    digest_bytes,
    open_store,
)
from kaon.artifacts.records import database as database_module
from kaon.artifacts.records.database import Database
from kaon.artifacts.records.records import Records

KEY = digest_bytes(b"key")


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["file", "memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def records(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Records]:
    match request.param:
        case "file":
            url = f"sqlite:///{tmp_path / 'deep' / 'records.sqlite'}"
        case "memory":
            url = "sqlite://"
        case _:
            url = os.environ["KAON_TEST_POSTGRES"]
            _empty_postgres(url)
    database = Database(url)
    yield Records(database, clock)
    database.close()


def _empty_postgres(url: str) -> None:
    from sqlalchemy import create_engine

    from kaon.artifacts.records.tables import METADATA

    engine = create_engine(url)
    METADATA.drop_all(engine)
    engine.dispose()


@pytest.fixture
def run(records: Records) -> int:
    return records.start_run("flow", {"train.rank": 8}, '{"plan": 1}', "local", {"user": "me"}).id


@pytest.fixture
def step(records: Records, run: int) -> int:
    return records.start_step(run, "flow/train", "train", (("market", "US"),), (1, 2), {"rank": 8}, KEY, "new")


def test_runs_are_numbered_from_one_and_say_who_runs_them(records: Records, clock: Clock):
    first = records.start_run("flow", {"train.rank": 8}, '{"plan": 1}', "local", {"user": "me"})
    second = records.start_run("other", {}, "{}", "prefect")

    assert (first.id, second.id) == (1, 2)
    assert records.run(1) == first
    assert (first.state, first.pid, first.host) == ("running", os.getpid(), socket.gethostname())
    assert (first.settings, first.plan, first.tags) == ({"train.rank": 8}, '{"plan": 1}', {"user": "me"})
    assert first.started == first.heartbeat == clock.time and first.started.tzinfo is UTC


def test_the_newest_run_comes_first(records: Records):
    for workflow in ("a", "b", "a"):
        records.start_run(workflow, {}, "{}", "local")

    assert [run.id for run in records.runs()] == [3, 2, 1]
    assert [run.id for run in records.runs("a")] == [3, 1]
    assert [run.id for run in records.runs(limit=1)] == [3]


def test_a_run_ends_once(records: Records, run: int, clock: Clock):
    clock.forward(5)
    records.end_run(run, "failed", "two steps failed")

    with pytest.raises(AlreadyEnded, match=f"run {run} has already ended: failed"):
        records.end_run(run, "completed", "")
    ended = records.run(run)
    assert (ended.state, ended.reason, ended.ended) == ("failed", "two steps failed", clock.time)


def test_a_runner_whose_run_was_ended_learns_it_at_its_next_beat(records: Records, run: int):
    records.end_run(run, "cancelled")

    with pytest.raises(AlreadyEnded):
        records.beat(run)


def test_a_run_that_falls_silent_reads_as_failed_until_it_shows_life_again(records: Records, run: int, clock: Clock):
    step = records.start_step(run, "flow/a", "a")
    clock.forward(15)
    assert records.run(run).state == "running"

    clock.forward(0.5)
    assert [record.state for record in (records.run(run), records.runs()[0], records.step_run(step))] == ["failed"] * 3
    assert records.step_runs(run)[0].reason == records.run(run).reason
    assert records.run(run).reason == "its process died: no sign of life since 2026-01-01 00:00:00 UTC"

    records.beat(run)
    assert records.run(run).state == records.step_run(step).state == "running"


def test_what_had_ended_before_its_run_died_stays_as_it_was(records: Records, run: int, clock: Clock):
    done = records.start_step(run, "flow/a", "a")
    records.end_step(done, "completed")
    clock.forward(60)

    assert records.step_run(done).state == "completed"
    records.end_run(run, "cancelled", "by hand")
    assert records.run(run).state == "cancelled"


def test_ending_a_run_cancels_what_had_not_ended(records: Records, run: int):
    done, open_step = records.start_step(run, "flow/a", "a"), records.start_step(run, "flow/b", "b")
    records.end_step(done, "completed")
    records.end_run(run, "failed")

    assert [record.state for record in records.step_runs(run)] == ["completed", "cancelled"]
    with pytest.raises(AlreadyEnded, match="flow/b has already ended: cancelled"):
        records.end_step(open_step, "completed")


def test_tags_are_added_and_replaced(records: Records, run: int):
    records.tag_run(run, {"user": "you", "mlflow.run": "abc"})

    assert records.run(run).tags == {"user": "you", "mlflow.run": "abc"}


def test_a_step_says_where_it_stands(records: Records, run: int, step: int, clock: Clock):
    begun = records.step_run(step)
    assert (begun.path, begun.step, begun.keys, begun.attempt) == ("flow/train", "train", (("market", "US"),), (1, 2))
    assert (begun.settings, begun.key, begun.state, begun.reason) == ({"rank": 8}, KEY, "running", "new")
    assert (begun.tries, begun.fraction, begun.note, begun.error, begun.ended) == (1, None, "", None, None)

    records.progress_step(step, 1.7, "epoch 4 of 4")
    assert (records.step_run(step).fraction, records.step_run(step).note) == (1.0, "epoch 4 of 4")

    records.retry_step(step, "ValueError: no", timedelta(seconds=2.5))
    retrying = records.step_run(step)
    assert (retrying.state, retrying.error, retrying.reason) == ("retrying", "ValueError: no", "tried again in 2.5 s")

    records.restart_step(step)
    again = records.step_run(step)
    assert (again.state, again.tries, again.fraction, again.note) == ("running", 2, None, "")

    clock.forward(3)
    records.end_step(step, "failed", "gave up", "ValueError: no")
    ended = records.step_run(step)
    assert (ended.state, ended.reason, ended.error, ended.ended) == ("failed", "gave up", "ValueError: no", clock.time)


def test_a_step_ends_once_and_changes_no_more(records: Records, step: int):
    records.end_step(step, "completed")
    records.progress_step(step, 0.1, "late")

    for change in (
        lambda: records.end_step(step, "failed"),
        lambda: records.retry_step(step, "error", 1),
        lambda: records.restart_step(step),
        lambda: records.commit(step, KEY, {}),
    ):
        with pytest.raises(AlreadyEnded, match="flow/train has already ended: completed"):
            change()
    assert (records.step_run(step).state, records.step_run(step).fraction) == ("completed", None)


def test_nothing_begins_in_a_run_that_has_ended(records: Records, run: int):
    records.end_run(run, "completed")

    with pytest.raises(AlreadyEnded):
        records.start_step(run, "flow/a", "a")
    with pytest.raises(AlreadyEnded):
        records.cancel_step(run, "flow/a", "a", (), (), "late")
    assert records.step_runs(run) == []


def test_skipped_and_cancelled_steps_end_as_they_begin(records: Records, run: int):
    records.skip_step(run, "flow/a", "a", (("m", {"rank": 1}),), (1,), {"x": 1}, KEY, "same as run 1", {})
    records.cancel_step(run, "flow/b", "b", (), (), "flow/a failed")

    skipped, cancelled = records.step_runs(run)
    assert (skipped.state, skipped.reason, skipped.key, skipped.tries) == ("skipped", "same as run 1", KEY, 0)
    assert skipped.keys == (("m", {"rank": 1}),) and skipped.ended is not None
    assert (cancelled.state, cancelled.reason, cancelled.key) == ("cancelled", "flow/a failed", None)


@pytest.mark.parametrize(
    "ask",
    [
        lambda records: records.run(7),
        lambda records: records.beat(7),
        lambda records: records.end_run(7, "failed"),
        lambda records: records.tag_run(7, {}),
        lambda records: records.start_step(7, "a", "a"),
        lambda records: records.step_run(7),
        lambda records: records.end_step(7, "failed"),
        lambda records: records.commit(7, KEY, {}),
        lambda records: records.artifact(7),
    ],
)
def test_an_unknown_id_is_refused(records: Records, ask: Any):
    with pytest.raises(UnknownRecord, match=r"there is no (run|step run|artifact) 7"):
        ask(records)


def test_messages_come_back_in_their_order_with_who_said_them(records: Records, run: int, step: int, clock: Clock):
    said = [
        Message(clock.time, "info", "log", "first", {"a": [1, None]}),
        Message(clock.time, "warning", "metric", "", {"loss": math.inf}),
    ]
    records.add_messages(run, step, said)
    records.add_messages(run, None, [Message(clock.time, "info", "status", "of the run")])
    records.add_messages(run, None, [])

    found = records.messages(run)
    assert found[:2] == said and [message.text for message in found] == ["first", "", "of the run"]
    assert [(message.step_run, message.path) for message in found] == [(step, "flow/train")] * 2 + [(None, "")]
    assert records.messages(run, after_id=found[0].id) == found[1:]
    assert records.messages(run, limit=1) == found[:1]
    assert records.messages(run, "flow/train") == records.messages(run, "train") == found[:2]
    assert records.messages(run, "flow") == []


def test_no_log_line_is_lost_whatever_is_in_it(records: Records, run: int, clock: Clock):
    records.add_messages(run, None, [Message(clock.time, "info", "log", "a\x00b\udcffc", {"raw": "\x00\udcff"})])

    assert records.messages(run)[0].text == "a\N{REPLACEMENT CHARACTER}b?c"
    assert records.messages(run)[0].payload == {"raw": "\x00\udcff"}


def test_reading_a_store_that_is_not_there_finds_nothing_and_creates_nothing(tmp_path: Path):
    store = open_store(tmp_path / "none")

    assert store.records.runs() == []
    assert store.find(KEY) is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UnknownRecord):
        store.records.run(1)


def test_records_of_a_newer_kaon_are_refused(tmp_path: Path):
    open_store(tmp_path).records.start_run("flow", {}, "{}", "local")
    with sqlite3.connect(tmp_path / "records.sqlite") as connection:
        connection.execute("UPDATE schema_version SET version = 99")

    with pytest.raises(NewerStore, match="written by a newer Kaon") as caught:
        open_store(tmp_path).records.runs()
    assert "version 99" in caught.value.why and "upgrade" in caught.value.fix


def test_damaged_records_are_reported(tmp_path: Path):
    (tmp_path / "records.sqlite").write_bytes(b"no database" * 1000)

    with pytest.raises(StoreError, match="the records are damaged") as caught:
        open_store(tmp_path).records.runs()
    assert str(tmp_path / "records.sqlite") in caught.value.where


def test_records_that_another_process_holds_too_long_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    open_store(tmp_path).records.start_run("flow", {}, "{}", "local")
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(tmp_path / "records.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreBusy, match="held by another process"):
        open_store(tmp_path).records.start_run("flow", {}, "{}", "local")
    assert len(open_store(tmp_path).records.runs()) == 1
    holder.close()


def test_records_below_a_file_are_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreNotWritable):
        open_store(tmp_path / "file" / "store").records.start_run("flow", {}, "{}", "local")


def test_a_folder_in_the_place_of_the_records_is_refused(tmp_path: Path):
    (tmp_path / "records.sqlite").mkdir()

    with pytest.raises(StoreNotWritable, match="cannot be written"):
        open_store(tmp_path).records.start_run("flow", {}, "{}", "local")


def test_a_database_that_does_not_answer_is_named():
    pytest.importorskip("psycopg")

    with pytest.raises(StoreError, match="cannot be reached"):
        Records(Database("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1")).runs()


def test_threads_may_use_the_records_at_once(records: Records, run: int):
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(10):
                step = records.start_step(run, f"flow/{number}", "step")
                records.progress_step(step, 0.5)
                records.step_run(step)
                records.end_step(step, "completed")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert [step.state for step in records.step_runs(run)] == ["completed"] * 80


def test_a_forked_child_has_connections_and_locks_of_its_own(tmp_path: Path):
    code = f"""
import os, threading
from kaon.artifacts import open_store
records = open_store({str(tmp_path)!r}).records
records.start_run("parent", {{}}, "{{}}", "local")
records.database._lock.acquire()
child = os.fork()
if child == 0:
    records.start_run("child", {{}}, "{{}}", "local")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
records.database._lock.release()
print([run.workflow for run in records.runs()])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout == "['child', 'parent']\n", done.stderr
