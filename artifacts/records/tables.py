"""The tables of the records."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
)

from .columns import JsonText, PlainText, UtcTime

VERSION = 4
"""Version of these tables; a higher one in a database was written by a newer Kaon."""

METADATA = MetaData()

ID = BigInteger().with_variant(Integer, "sqlite")
DIGEST = String(71)

schema_version = Table("schema_version", METADATA, Column("version", Integer, primary_key=True))

runs = Table(
    "runs",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("workflow", String, nullable=False, index=True),
    Column("settings", JsonText, nullable=False),
    Column("plan", PlainText, nullable=False),
    Column("backend", String, nullable=False),
    Column("tags", JsonText, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("host", String, nullable=False),
    Column("started", UtcTime, nullable=False),
    Column("heartbeat", UtcTime, nullable=False),
    Column("ended", UtcTime),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("wanted", String(16), nullable=False, server_default=""),
    Column("process", Float, nullable=False, server_default="0"),
    Column("machine", String, nullable=False, server_default=""),
)

runs_listed = Index("runs_listed", runs.c.id, runs.c.workflow, runs.c.state, runs.c.ended, runs.c.tags).ddl_if(
    dialect="sqlite"
)
"""Lets runs be filtered without their rows, which SQLite reads past their plans; PostgreSQL keeps those elsewhere."""

step_runs = Table(
    "step_runs",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("path", String, nullable=False),
    Column("step", String, nullable=False),
    Column("keys", JsonText, nullable=False),
    Column("attempt", JsonText, nullable=False),
    Column("settings", JsonText, nullable=False),
    Column("key", DIGEST),
    Column("state", String(16), nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("error", PlainText),
    Column("tries", Integer, nullable=False),
    Column("fraction", Float),
    Column("note", PlainText, nullable=False),
    Column("started", UtcTime, nullable=False),
    Column("ended", UtcTime),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("superseded", Boolean, nullable=False, server_default=false()),
    Index("step_runs_of_a_run", "run", "superseded", "path", "step", "state", "started", "ended"),
)

claims = Index(
    "claims",
    step_runs.c.key,
    unique=True,
    sqlite_where=step_runs.c.ended.is_(None) & step_runs.c.key.is_not(None),
    postgresql_where=step_runs.c.ended.is_(None) & step_runs.c.key.is_not(None),
)
"""A step run that has not ended alone may make what its key names."""

loops = Table(
    "loops",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("path", String, nullable=False),
    Column("keys", JsonText, nullable=False),
    Column("attempt", JsonText, nullable=False),
    Column("total", Integer, nullable=False),
    Column("started", UtcTime, nullable=False),
    UniqueConstraint("run", "path", "keys", "attempt"),
)

holds = Table(
    "holds",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False, index=True),
    Column("path", String, nullable=False),
    Column("keys", JsonText, nullable=False),
    Column("attempt", JsonText, nullable=False),
    Column("question", PlainText, nullable=False),
    Column("asked", UtcTime, nullable=False),
    Column("decided", UtcTime),
    Column("approved", Boolean),
    Column("by", PlainText, nullable=False, server_default=""),
)

ids = Table(
    "ids",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("next", BigInteger, nullable=False),
)
"""The next free id of a table whose rows come with theirs."""

artifacts = Table(
    "artifacts",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("name", String, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("digest", DIGEST, nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("step_run", ForeignKey("step_runs.id"), nullable=False),
    Column("step", String, nullable=False),
    Column("keys", JsonText, nullable=False),
    Column("attempt", JsonText, nullable=False),
    Column("made_from", JsonText, nullable=False),
    Column("summary", JsonText, nullable=False),
    Index("artifacts_of_a_step", "run", "step"),
)

parents = Table(
    "parents",
    METADATA,
    Column("artifact", ForeignKey("artifacts.id"), primary_key=True),
    Column("parent", ForeignKey("artifacts.id"), primary_key=True, index=True),
)

inline_values = Table(
    "inline_values",
    METADATA,
    Column("digest", DIGEST, primary_key=True),
    Column("raw", LargeBinary, nullable=False),
)

outputs = Table(
    "outputs",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("step_run", ForeignKey("step_runs.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("artifact", ForeignKey("artifacts.id"), nullable=False),
    UniqueConstraint("step_run", "name"),
)

commits = Table(
    "commits",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("key", DIGEST, nullable=False, index=True),
    Column("step_run", ForeignKey("step_runs.id"), nullable=False, unique=True),
)

checkpoints = Table(
    "checkpoints",
    METADATA,
    Column("artifact", ForeignKey("artifacts.id"), primary_key=True),
    Column("step_run", ForeignKey("step_runs.id"), nullable=False, index=True),
    Column("key", DIGEST, index=True),
)
"""The artifacts that steps keep while they run; whoever makes what the key names goes on from them, if there is one."""

messages = Table(
    "messages",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("step_run", ForeignKey("step_runs.id")),
    Column("time", UtcTime, nullable=False),
    Column("level", String, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("text", PlainText, nullable=False),
    Column("payload", JsonText, nullable=False),
    Index("messages_of_a_run", "run", "id"),
)

workflows = Table(
    "workflows",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("flow", PlainText, nullable=False),
    Column("folder", PlainText, nullable=False),
    Column("plan", PlainText, nullable=False),
    Column("facts", JsonText, nullable=False),
    Column("changed", UtcTime, nullable=False),
)
"""The workflows that were run, deployed or served, as they were last."""
