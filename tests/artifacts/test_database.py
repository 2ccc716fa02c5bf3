"""The database behind the records: versions, refusals, forks, lost connections."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, delete, select, text
from tests.artifacts.stores import empty_postgres

from kaon.artifacts import NewerStore, StoreBusy, StoreError, StoreNotWritable, open_store
from kaon.artifacts.records import database as database_module
from kaon.artifacts.records import retrying
from kaon.artifacts.records.database import Database
from kaon.artifacts.records.records import Records
from kaon.artifacts.records.tables import runs


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


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C is KeyboardInterrupt, whatever tests before have set up, and nothing is collected that it would break."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    signal.signal(signal.SIGINT, before)


def test_a_write_during_which_ctrl_c_comes_lets_others_write_at_once(tmp_path: Path, ctrl_c: None):
    database = Database(f"sqlite:///{tmp_path}/records.sqlite")
    Records(database).start_run("flow", {}, "{}", "local")
    held: list[KeyboardInterrupt] = []
    """With what their frames refer to, as while an interrupted run is closed."""

    for place in range(4000):
        if not _interrupted(lambda: database.write(lambda connection: connection.execute(delete(runs))), place, held):
            break
        with closing(sqlite3.connect(tmp_path / "records.sqlite", timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")  # at once, or it is locked

    assert 100 < place < 4000, "it was interrupted everywhere"
    assert len(held) == place


def test_whoever_else_hears_ctrl_c_hears_it_after_the_write_and_the_second_time_at_once(tmp_path: Path, ctrl_c: None):
    database = Database(f"sqlite:///{tmp_path}/records.sqlite")
    told: list[str] = []

    def work(_connection: Connection) -> None:
        signal.raise_signal(signal.SIGINT)
        told.append("written")
        signal.raise_signal(signal.SIGINT)
        told.append("ended")

    signal.signal(signal.SIGINT, lambda *_: told.append("heard"))
    database.write(work)

    assert told == ["written", "heard", "ended", "heard"]


def test_records_below_a_file_are_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreNotWritable):
        open_store(tmp_path / "file" / "store").records.start_run("flow", {}, "{}", "local")


def test_a_folder_in_the_place_of_the_records_is_refused(tmp_path: Path):
    (tmp_path / "records.sqlite").mkdir()

    with pytest.raises(StoreNotWritable, match="cannot be written"):
        open_store(tmp_path).records.start_run("flow", {}, "{}", "local")


def test_a_database_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("psycopg")
    monkeypatch.setattr(retrying, "LONGEST", 0.1)

    with pytest.raises(StoreError, match="cannot be reached"):
        Records(Database("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1")).runs()


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


@pytest.fixture
def postgres() -> Iterator[Database]:
    """A PostgreSQL database with one run in it."""
    database = Database(empty_postgres())
    Records(database).start_run("flow", {}, "{}", "local")
    yield database
    database.close()


def disconnect(connection: Connection) -> None:
    """End the connection from the other side, as a restarted server would."""
    end_process(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def end_process(pid: int) -> None:
    other = create_engine(os.environ["KAON_TEST_POSTGRES"])
    with other.connect() as there:
        there.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    other.dispose()


def mark(connection: Connection) -> str:
    connection.execute(runs.update().values(reason=runs.c.reason + "x"))
    return "done"


@pytest.mark.postgres
def test_a_connection_lost_between_two_writes_is_opened_again(postgres: Database):
    with postgres._engine.connect() as connection:
        pid: int = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    end_process(pid)

    assert postgres.write(mark) == "done"
    assert Records(postgres).run(1).reason == "x"


@pytest.mark.postgres
def test_a_write_whose_connection_is_lost_is_done_again(postgres: Database):
    tries = 0

    def work(connection: Connection) -> str:
        nonlocal tries
        tries += 1
        mark(connection)
        if tries == 1:
            disconnect(connection)
        return mark(connection)

    assert postgres.write(work) == "done"
    assert (tries, Records(postgres).run(1).reason) == (2, "xx")


@pytest.mark.postgres
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_write_whose_connection_is_lost_while_it_is_committed_is_done_once(
    postgres: Database, when: str, monkeypatch: pytest.MonkeyPatch
):
    engine: Engine = postgres._engine
    commit: Callable[[Any], None] = engine.dialect.do_commit
    lost = []

    def do_commit(raw: Any) -> None:
        if lost:
            return commit(raw)
        lost.append(raw)
        if when == "after":
            commit(raw)
        raw.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        raise AssertionError("the connection is lost before this")

    monkeypatch.setattr(engine.dialect, "do_commit", do_commit)

    assert postgres.write(mark) == "done"
    assert lost and Records(postgres).run(1).reason == "x"


@pytest.mark.postgres
def test_a_question_whose_connection_is_lost_is_asked_again(postgres: Database):
    with postgres.reading() as connection:
        disconnect(connection)
        found = connection.execute(select(runs.c.id)).scalars().all()
        disconnect(connection)

    assert found == [1]


@pytest.mark.postgres
def test_a_server_that_stays_away_is_named(postgres: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retrying, "LONGEST", 0.1)

    def work(connection: Connection) -> str:
        disconnect(connection)
        return mark(connection)

    with pytest.raises(StoreError, match="cannot be reached"):
        postgres.write(work)
    assert Records(postgres).run(1).reason == ""


@pytest.mark.postgres
def test_writers_that_stand_in_each_other_s_way_both_succeed(postgres: Database):
    import threading

    Records(postgres).start_run("other", {}, "{}", "local")
    both = threading.Barrier(2, timeout=30)
    tried: list[int] = []

    def write(first: int, second: int) -> None:
        def work(connection: Connection) -> None:
            connection.execute(runs.update().where(runs.c.id == first).values(reason=runs.c.reason + "x"))
            if len(tried) < 2:
                tried.append(first)
                both.wait()
            connection.execute(runs.update().where(runs.c.id == second).values(reason=runs.c.reason + "x"))

        postgres.write(work)

    threads = [threading.Thread(target=write, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run.reason for run in Records(postgres).runs()] == ["xx", "xx"]


def _interrupted(work: Callable[[], object], place: int, held: list[KeyboardInterrupt]) -> bool:
    """Do the work, with Ctrl-C at the place-th line or return in it; return whether there was such a place."""
    left = place

    def trace(_frame: object, _event: str, _argument: object) -> Any:
        nonlocal left
        left -= 1
        if left == -1:
            signal.raise_signal(signal.SIGINT)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt as interrupt:
        held.append(interrupt)
    finally:
        sys.settrace(before)
    return left < 0
