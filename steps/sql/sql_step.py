"""sql_step(): a query as a step."""

import re
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pyarrow as pa

from kaon.dsl import Problem, Process, Resources, Secret, WorkflowError, step
from kaon.dsl.declared import type_of, with_signature
from kaon.dsl.errors import did_you_mean
from kaon.dsl.ir import Step
from kaon.dsl.kinds import TABLE, kind_of
from kaon.dsl.places.place import IN_PROCESS, Place
from kaon.dsl.where import Where

from .on_database import run_on_database
from .on_duckdb import run_on_duckdb
from .on_spark import HIVE, run_on_spark
from .parameters import names_in, pieces_of

NOTHING: Mapping[str, Any] = {}
PLACEHOLDER = re.compile(r"\{(\w*)\}")


def sql_step(
    query: str,
    *,
    output: str,
    engine: str | Secret = "duckdb",
    inputs: Mapping[str, Any] = NOTHING,
    settings: Mapping[str, object] = NOTHING,
    secrets: Mapping[str, Secret] = NOTHING,
    hive: bool = False,
    conf: Mapping[str, str | Secret] = NOTHING,
    name: str = "",
    retries: int = 0,
    timeout: timedelta | None = None,
    place: Place | None = None,
    resources: Resources | None = None,
) -> Step[..., pa.Table]:
    """Return a step that runs a query and outputs its rows as a table.

    query: its `:name` parameters are bound to the inputs and settings of these names, never pasted into it.
    output: the name of the table it makes.
    engine: "duckdb", "spark", or SQLAlchemy's URL of a database, such as "postgresql+psycopg://me:{password}@host/db";
        a whole URL can be a secret.
    inputs: types by name. On DuckDB and Spark those that are tables stand in the query as tables of their names; a
        database sees none of them.
    settings: settings with their defaults.
    secrets: what stands in the URL for {name}.
    hive: for Spark, whether the tables of the Hive metastore are there, as the configuration says where it is.
    conf: configuration of Spark's session, or of DuckDB.
    name: the step's name; the output's without one.
    place: where it runs. Spark with a configuration of its own runs in a process of its own, all else in the run's.

    What reads a database or a metastore, which may have changed, runs in every run. Raises WorkflowError with every
    fault found.
    """
    frame = sys._getframe(1)
    where = Where(frame.f_code.co_filename, frame.f_lineno)
    own = name or output
    types = {**inputs, **{name: type_of(default) for name, default in settings.items() if name not in inputs}}
    tables = tuple(parameter for parameter, kind in types.items() if kind_of(kind) == TABLE)
    problems = tuple(_problems(query, own, engine, types, tables, secrets, hive, where))
    if problems:
        raise WorkflowError(problems)
    written = {"query": query, "engine": engine, "secrets": dict(secrets), "conf": dict(conf), "hive": hive}

    def answer(**given: Any) -> pa.Table:
        return _answer(own, written, tables, given)

    with_signature(answer, own, _doc(query, engine), types, settings, pa.Table)
    lasting = engine == "duckdb" or (engine == "spark" and not (hive or conf))
    apart = engine == "spark" and bool(hive or conf)
    return step(
        output=output,
        retries=retries,
        timeout=timeout,
        place=place or (Process() if apart else IN_PROCESS),
        resources=resources or Resources(),
        reusable=lasting,
    )(answer)


def _answer(name: str, written: Mapping[str, Any], tables: tuple[str, ...], given: Mapping[str, Any]) -> pa.Table:
    seen = {table: _arrow(given[table]) for table in tables}
    parameters = {parameter: value for parameter, value in given.items() if parameter not in tables}
    conf = {key: value.reveal() if isinstance(value, Secret) else str(value) for key, value in written["conf"].items()}
    query, engine = written["query"], written["engine"]
    if engine == "duckdb":
        return run_on_duckdb(name, query, seen, parameters, conf)
    if engine == "spark":
        return run_on_spark(name, query, seen, parameters, {**(HIVE if written["hive"] else {}), **conf})
    url = engine.reveal() if isinstance(engine, Secret) else engine
    return run_on_database(name, query, url, parameters, written["secrets"])


def _arrow(table: Any) -> pa.Table:
    if isinstance(table, pa.Table):
        return table
    return table.toArrow() if hasattr(table, "toArrow") else pa.Table.from_pandas(table)


def _doc(query: str, engine: str | Secret) -> str:
    on = {"duckdb": "DuckDB", "spark": "Spark"}.get(str(engine), "a database")
    return f"Return the rows of a query on {on}: {' '.join(query.split())}"


def _problems(
    query: str,
    name: str,
    engine: str | Secret,
    types: Mapping[str, Any],
    tables: tuple[str, ...],
    secrets: Mapping[str, Secret],
    hive: bool,
    where: Where,
) -> Iterator[Problem]:
    yield from _engine_problems(name, engine, tables, secrets, hive, where)
    asked = names_in(pieces_of(query, escapes=engine == "spark"))
    plain = [parameter for parameter in types if parameter not in tables]
    for parameter in asked:
        if parameter in tables:
            fix = f"write {parameter} without the colon: it stands in the query as a table"
            yield Problem(f"the query of {name} binds :{parameter}, which is a table", where, fix=fix)
        elif parameter not in types:
            yield Problem(
                f"the query of {name} has the parameter :{parameter}, and no input or setting is called so",
                where,
                why="a parameter is bound to the input or setting of its name",
                fix=did_you_mean(parameter, plain) or f'add inputs={{"{parameter}": str}}, or settings={{…}}',
            )
    for parameter in plain:
        if parameter not in asked:
            yield Problem(
                f"the query of {name} does not use {parameter!r}",
                where,
                why="what a step reads decides when it runs again",
                fix=f"write :{parameter} in the query, or leave it out of the inputs and settings",
            )


def _engine_problems(
    name: str,
    engine: str | Secret,
    tables: tuple[str, ...],
    secrets: Mapping[str, Secret],
    hive: bool,
    where: Where,
) -> Iterator[Problem]:
    if hive and engine != "spark":
        yield Problem(f"hive=True of {name} needs Spark", where, fix='write engine="spark", or leave hive out')
    if engine in ("duckdb", "spark"):
        return
    if isinstance(engine, str) and "://" not in engine:
        fix = did_you_mean(engine, ("duckdb", "spark"))
        yield Problem(f"engine={engine!r} of {name} is no engine", where, "it may also be SQLAlchemy's URL", fix)
        return
    if tables:
        yield Problem(
            f"the database of {name} does not see the table {', '.join(map(repr, tables))}",
            where,
            why="a table of a workflow stands in queries of DuckDB and Spark; a database has its own",
            fix='join them in a step after it, with engine="duckdb"',
        )
    if isinstance(engine, str):
        yield from _url_problems(name, engine, secrets, where)


def _url_problems(name: str, url: str, secrets: Mapping[str, Secret], where: Where) -> Iterator[Problem]:
    for placeholder in PLACEHOLDER.findall(url):
        if placeholder not in secrets:
            fix = did_you_mean(placeholder, secrets) or f'add secrets={{"{placeholder}": secret("…")}}'
            yield Problem(f"the URL of {name} has {{{placeholder}}}, and no secret is called so", where, fix=fix)
    password = re.match(r"[^/]*//[^/@:]*:([^/@]+)@", url)
    if password and not PLACEHOLDER.search(password[1]):
        yield Problem(
            f"the URL of {name} holds a password",
            where,
            why="it would be kept in the sources and in what is known of the step",
            fix='write {password} there, and secrets={"password": secret("DB_PASSWORD")}',
        )
