"""Records that version 1 of the tables holds, written by the Kaon of that time: nothing of them is lost."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text
from tests.artifacts.stores import empty_postgres

from kaon.artifacts import Begin, Begun, Ending, Found, Lease, NewOutput, RegisteredWorkflow, StoreBusy, digest_bytes
from kaon.artifacts.records.database import Database
from kaon.artifacts.records.records import Records
from kaon.artifacts.records.tables import METADATA

WRITTEN = {n: Path(__file__).with_name(f"records_version_{n}.sql").read_text() for n in (1, 2, 3)}
LATER = {
    1: ("loops", "holds", "ids", "workflows", "checkpoints"),
    2: ("workflows", "checkpoints"),
    3: ("checkpoints",),
}
"""The tables that each version does not have."""
KEY, OTHER = digest_bytes(b"key"), digest_bytes(b"other")


def postgres_script(version: int) -> list[str]:
    """Return the statements of SQLite's dump as PostgreSQL has them."""
    script = (
        WRITTEN[version]
        .replace("DATETIME", "VARCHAR(26)")
        .replace("VARCHAR(26)", "TIMESTAMP WITH TIME ZONE")
        .replace("BLOB", "BYTEA")
    )
    script = re.sub(r"\bid INTEGER NOT NULL", "id BIGSERIAL NOT NULL", script)
    script = re.sub(r"X'([0-9A-F]*)'", r"'\\x\1'", script)
    script = script.replace("BOOLEAN DEFAULT 0", "BOOLEAN DEFAULT false")
    script = re.sub(r'(INSERT INTO "step_runs" .*,)0\);', r"\1false);", script) if version > 1 else script
    statements = [statement.strip() for statement in script.split(";\n")]
    kept = [statement for statement in statements if re.match(r"CREATE|INSERT", statement)]
    tables = [name for table in METADATA.sorted_tables if (name := table.name) not in LATER[version]]

    def order(statement: str) -> tuple[bool, bool, int]:
        words = statement.replace('"', " ").split()
        is_index = "INDEX" in words[1:3]
        name = words[words.index("ON") + 1] if is_index else words[2]
        return statement.startswith("INSERT"), is_index, tables.index(name)

    return sorted(kept, key=order)


def written(version: int, database: str, folder: Path) -> str:
    """Return the URL of records that a Kaon of this version wrote."""
    if database == "file":
        with sqlite3.connect(folder / "records.sqlite") as connection:
            connection.executescript(WRITTEN[version])
            connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
        return f"sqlite:///{folder / 'records.sqlite'}"
    url = empty_postgres()
    engine = create_engine(url)
    with engine.begin() as server:
        server.execute(text("SET LOCAL TIME ZONE 'UTC'"))
        for statement in postgres_script(version):
            server.exec_driver_sql(statement.replace("%", "%%"))
        for name in ("runs", "outputs", "commits", "messages"):
            server.execute(text(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))"))
    engine.dispose()
    return url


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.postgres)])
def kept(request: pytest.FixtureRequest) -> str:
    """Where the records are kept."""
    return str(request.param)


def opened(version: int, kept: str, folder: Path) -> Iterator[Records]:
    database = Database(written(version, kept, folder))
    yield Records(database, lambda: datetime(2026, 1, 2, tzinfo=UTC))
    database.close()


@pytest.fixture
def old(kept: str, tmp_path: Path) -> Iterator[Records]:
    """Records of version 1."""
    yield from opened(1, kept, tmp_path)


@pytest.fixture
def later(kept: str, tmp_path: Path) -> Iterator[Records]:
    """Records of version 2."""
    yield from opened(2, kept, tmp_path)


def test_runs_steps_artifacts_and_messages_are_all_still_there(old: Records):
    dead, ended = old.runs()
    assert (ended.state, ended.tags, ended.settings, ended.backend) == (
        "completed",
        {"user": "me"},
        {"train.rank": 8},
        "local",
    )
    assert (ended.started, ended.generation, ended.wanted, ended.lease) == (
        datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC),
        1,
        "",
        Lease(1, 1),
    )
    assert (dead.state, dead.reason) == ("failed", "its process died: no sign of life since 2026-01-01 00:00:16 UTC")
    (load,) = old.step_runs(1)
    assert (load.keys, load.attempt, load.settings, load.key) == ((("market", "US"),), (1,), {"rank": 8}, KEY)
    assert [(step.path, step.state) for step in old.step_runs(2)] == [
        ("flow/load", "skipped"),
        ("flow/late", "cancelled"),
        ("flow/bad", "failed"),
        ("flow/twin", "failed"),
        ("flow/twin", "failed"),
        ("flow/try", "failed"),
    ]
    assert (old.step_run(4).tries, old.step_run(4).error) == (2, "ValueError: no\n  trace")
    assert old.step_run(7).reason == dead.reason and (old.step_run(7).fraction, old.step_run(7).note) == (0.5, "half")
    assert [(name, artifact.id) for _, name, artifact in old.outputs(2)] == [("ratings", 1), ("score", 2)]
    assert old.artifact(2).made_from == (1,) and old.made_from([1]) == {1: [2]}
    assert old.inline_value(old.artifact(1).digest) == b"[1,2]"
    assert [message.text for message in old.messages(1, "load")] == ["loss"]


def test_what_was_committed_is_reused_and_ids_go_on(old: Records):
    run = old.start_run("flow", {}, "{}", "local")
    found, begun = old.begin_steps(
        run.lease, [Begin("flow/load", "load", key=KEY), Begin("flow/twin", "twin", key=OTHER)], lambda _: True
    )

    assert isinstance(found, Found) and list(found.committed) == ["ratings", "score"] and found.committed.run == 1
    assert run.id == 3 and begun == Begun(9)
    old.finish_steps(run.lease, [Ending(9, "completed")])


def test_a_run_that_died_before_can_be_taken_over(old: Records):
    run = old.take_over(2)

    assert run.generation == 2
    assert [step.path for step in old.step_runs(2)] == ["flow/load"] and len(old.step_runs(2, history=True)) == 6
    assert len(old.done(2)) == 1


def test_a_run_that_an_older_kaon_still_runs_is_waited_for(old: Records):
    url, now = old.database.url, datetime.now(UTC)
    engine = create_engine(url)
    with engine.begin() as connection:
        seen: Any = now if engine.dialect.name == "postgresql" else now.replace(tzinfo=None).isoformat(" ")
        connection.execute(text("UPDATE runs SET heartbeat = :seen WHERE id = 2"), {"seen": seen})
    engine.dispose()

    with pytest.raises(StoreBusy, match="run 2, started by an older Kaon, still writes"):
        old.runs()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE runs SET ended = heartbeat WHERE id = 2"))
        assert "generation" not in {column["name"] for column in inspect(connection).get_columns("runs")}
    engine.dispose()
    assert [run.id for run in old.runs()] == [2, 1]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_the_tables_have_the_same_columns_and_indexes_as_new_ones(version: int, kept: str, tmp_path: Path):
    old = Records(Database(written(version, kept, tmp_path)))
    old.runs()
    new = Database(f"sqlite:///{tmp_path / 'new.sqlite'}")
    new._prepare()

    def shape(database: Database) -> dict[str, Any]:
        found = inspect(database._engine)
        return {
            name: (
                {column["name"]: column["nullable"] for column in found.get_columns(name)},
                {index["name"] for index in found.get_indexes(name) if not index.get("duplicates_constraint")}
                - {"runs_listed" if kept == "postgres" else ""},
            )
            for name in found.get_table_names()
        }

    assert shape(old.database) == shape(new)
    new.close()
    old.database.close()


def test_records_of_version_2_are_all_still_there_and_know_workflows(later: Records):
    held, ended = later.runs()
    assert (ended.state, ended.settings, ended.tags) == ("completed", {"train.rank": 8}, {"user": "me"})
    assert (held.state, held.reason) == ("held", "publish waits")
    (load,) = later.step_runs(1)
    assert (load.keys, load.attempt, load.key, load.state) == ((("market", "US"),), (1,), KEY, "completed")
    assert [(name, later.inline_value(made.digest)) for _, name, made in later.outputs(1)] == [("ratings", b"[1,2]")]
    assert later.registered_workflows() == []

    assert later.register_workflow(RegisteredWorkflow("flow", "flow.py", "/jobs", "{}"))
    assert later.registered_workflow("flow").flow == "flow.py"
    run = later.start_run("flow", {}, "{}", "local")
    found, begun = later.begin_steps(run.lease, [Begin("flow/load", "load", key=KEY), Begin("a", "a")], lambda _: True)
    assert isinstance(found, Found) and begun == Begun(4)


def test_records_of_version_3_are_all_still_there_and_know_checkpoints(kept: str, tmp_path: Path):
    records = Records(Database(written(3, kept, tmp_path)))
    assert [run.state for run in records.runs()] == ["held", "completed"]
    assert records.registered_workflow("flow").folder == "/jobs"
    assert records.checkpoints_of_run(1) == []

    lease = records.start_run("flow", {}, "{}", "local").lease
    (begun,) = records.begin_steps(lease, [Begin("flow/train", "train", key=OTHER)], lambda _: True)
    assert isinstance(begun, Begun)
    kept_now = records.add_checkpoint(lease, begun.step_run, NewOutput("state", "json", KEY, 2, {"at": 1}, b"{}"))
    assert records.newest_checkpoints(OTHER, "state") == [kept_now]
    records.database.close()


def test_processes_that_open_old_records_at_once_bring_them_up_to_date_once(old: Records):
    databases = [Database(old.database.url) for _ in range(4)]
    found: list[int] = []

    def read(database: Database) -> None:
        found.append(len(Records(database).runs()))
        database.close()

    threads = [threading.Thread(target=read, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2] * 4
