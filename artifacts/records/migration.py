"""Tables that are not there yet, and those that an older Kaon made."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, Table, bindparam, insert, inspect, select, text, update
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from ..errors import NewerStore, StoreBusy
from .ids import number
from .life import SILENCE
from .tables import (
    METADATA,
    VERSION,
    checkpoints,
    holds,
    ids,
    loops,
    runs,
    runs_listed,
    schema_version,
    step_runs,
    workflows,
)

SCHEMA_LOCK = 0x6B616F6E
"""Number of the advisory lock under which PostgreSQL's tables are created and changed."""

ADDED = {
    runs: ("generation", "wanted", "process", "machine"),
    step_runs: ("generation", "superseded"),
}
"""The columns that version 2 adds."""

DIED = (
    update(step_runs)
    .where(step_runs.c.run == bindparam("dead"), step_runs.c.ended.is_(None))
    .values(state="failed", ended=bindparam("last_seen"), reason=bindparam("died"))
)


def version_of(connection: Connection) -> int | None:
    """Return the version of the tables, or None where there are none yet."""
    if not inspect(connection).has_table(schema_version.name):
        return None
    version: int | None = connection.execute(select(schema_version.c.version)).scalar()
    return version


def migrate(connection: Connection, where: str) -> None:
    """Bring the tables to this version, whoever else may be doing so. Raises NewerStore, StoreBusy."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})"))
    version = version_of(connection)
    if version is None:
        METADATA.create_all(connection, checkfirst=True)
        connection.execute(insert(schema_version), {"version": VERSION})
        number(connection)
    elif version > VERSION:
        raise NewerStore(
            "the store was written by a newer Kaon",
            where=where,
            why=f"its records have version {version}; this Kaon knows versions up to {VERSION}",
            fix="pip install --upgrade kaon, or set KAON_HOME to another folder",
        )
    elif version < VERSION:
        if version == 1:
            _from_version_1(connection, where)
        if version < 3:
            _add(connection, workflows)
            if connection.dialect.name == "sqlite":
                connection.execute(CreateIndex(runs_listed, if_not_exists=True))
        _add(connection, checkpoints)
        connection.execute(update(schema_version).values(version=VERSION))


def _from_version_1(connection: Connection, where: str) -> None:
    """Add what version 2 knows more, and end the open steps of dead runs: an open step claims its key from now on."""
    seen = connection.execute(select(runs.c.id, runs.c.heartbeat, runs.c.ended)).all()
    for run in seen:
        if run.ended is None and datetime.now(UTC) - run.heartbeat <= SILENCE:
            raise StoreBusy(
                f"run {run.id}, started by an older Kaon, still writes into this store",
                where=where,
                why="this Kaon changes the form of the records, which it cannot do under a run",
                fix="wait until it has ended, or end it with Ctrl-C",
            )
    for table, names in ADDED.items():
        for name in names:
            column = CreateColumn(table.c[name]).compile(connection)
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column}"))
    for run in seen:
        said = f"its process died: no sign of life since {run.heartbeat:%Y-%m-%d %H:%M:%S} UTC"
        connection.execute(DIED, {"dead": run.id, "last_seen": run.heartbeat, "died": said})
    for new in (loops, holds, ids):
        _add(connection, new)
    connection.execute(text("DROP INDEX ix_step_runs_run"))
    for index in step_runs.indexes:
        connection.execute(CreateIndex(index))
    number(connection)


def _add(connection: Connection, new: Table) -> None:
    """Add a table that the older version does not have."""
    connection.execute(CreateTable(new))
    for index in new.indexes:
        connection.execute(CreateIndex(index))
