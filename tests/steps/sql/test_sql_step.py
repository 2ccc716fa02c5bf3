"""Queries as steps: parameters are bound, tables are seen by their names, and a failure names its line."""

import sys
from datetime import date

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import create_engine, text

from kaon import WorkflowError, open_store, run, secret, step, workflow
from kaon.steps.sql import sql_step

EVENTS = pd.DataFrame(
    {"user": ["a", "a", "b", "o'b"], "item": [1, 2, 1, 3], "day": pd.to_datetime(["2026-01-01"] * 3 + ["2026-02-01"])}
)
TOP = """
SELECT "user", count(*) AS events
FROM events
WHERE "user" <> :not_user AND day < :before -- not :this
GROUP BY "user" HAVING count(*) >= :at_least AND ':no' <> 'x'
ORDER BY "user"
"""
ENGINES = ["duckdb", pytest.param("spark", marks=pytest.mark.spark)]


@step(output="events")
def read_events() -> pd.DataFrame:
    return EVENTS


def rows_of(query, engine="duckdb", *, values=None, **declared):
    """Return the rows of a query over the events as a list of mappings."""
    query = query.replace('"', "`") if engine == "spark" else query
    asked = sql_step(query, output="rows", engine=engine, **declared)
    done = run(workflow("w", read_events >> asked), values, store=open_store("memory://"))
    return pa.table(done["rows"]).to_pylist()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_query_sees_tables_by_their_names_and_is_given_settings(engine):
    declared = {"inputs": {"events": pa.Table}, "settings": {"not_user": "", "before": date(2026, 1, 2), "at_least": 1}}

    assert rows_of(TOP, engine, **declared) == [{"user": "a", "events": 2}, {"user": "b", "events": 1}]
    assert rows_of(TOP, engine, values={"rows.at_least": 2}, **declared) == [{"user": "a", "events": 2}]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "value", ["x' OR '1'='1", "'; DROP TABLE events; --", "o'b", "${user}", "a\\' OR true --", ":item"]
)
def test_a_value_is_never_part_of_the_query(engine, value):
    query = 'SELECT count(*) AS n, :user AS told FROM events WHERE "user" = :user'
    found = rows_of(query, engine, inputs={"events": pa.Table}, settings={"user": value})

    assert found == [{"n": int(value == "o'b"), "told": value}]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_failure_names_the_line_of_the_query(engine):
    with pytest.raises(
        Exception, match=r"cannot run the query of rows(?s:.*)  3 \| WHERE usr = 'a'(?s:.*)why: "
    ) as failed:
        rows_of("SELECT *\nFROM events\nWHERE usr = 'a'", engine, inputs={"events": pa.Table})

    assert "fix: mend line 3 of the query" in str(failed.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_query_without_rows_keeps_its_columns(engine):
    query = "SELECT item FROM events WHERE item > 99"
    done = run(
        workflow("w", read_events >> sql_step(query, output="rows", engine=engine, inputs={"events": pa.Table})),
        store=open_store("memory://"),
    )

    assert done["rows"].column_names == ["item"]
    assert done["rows"].num_rows == 0


def test_a_name_in_a_query_is_no_variable_of_python():
    with pytest.raises(Exception, match=r"(?s)DuckDB cannot run.*CONFIG"):
        rows_of("SELECT * FROM events, CONFIG", inputs={"events": pa.Table})


def test_a_database_is_asked_by_its_url_with_lists_and_literals_as_they_are(tmp_path):
    url = f"sqlite:///{tmp_path / 'events.db'}"
    with create_engine(url).begin() as connection:
        EVENTS.to_sql("events", connection)
    query = "SELECT user, '12:30 :no' AS clock FROM events WHERE user IN :users AND item = CAST(:item AS INT)"

    found = rows_of(query, url, inputs={"item": int}, settings={"users": ["a", "b"], "item": 1})

    assert found == [{"user": "a", "clock": "12:30 :no"}, {"user": "b", "clock": "12:30 :no"}]


def test_what_a_database_holds_is_read_in_every_run(tmp_path):
    url = f"sqlite:///{tmp_path / 'events.db'}"
    store, asked = open_store("memory://"), sql_step("SELECT n FROM counts", output="rows", engine=url)
    counted = []
    for number in (1, 2):
        with create_engine(url).begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS counts"))
            connection.execute(text(f"CREATE TABLE counts AS SELECT {number} AS n"))
        counted.append(run(workflow("w", asked), store=store)["rows"].to_pylist())

    assert counted == [[{"n": 1}], [{"n": 2}]]


def test_a_syntax_error_of_a_database_names_the_line(tmp_path):
    with pytest.raises(Exception, match=r"sqlite cannot run the query of rows(?s:.*)2 \| FORM x(?s:.*)near \"x\""):
        rows_of("SELECT 1\nFORM x y", f"sqlite:///{tmp_path}/x.db")


def test_a_url_takes_its_secrets_by_reference(tmp_path, monkeypatch):
    monkeypatch.setenv("KAON_TEST_PASSWORD", "a p@ss/word")
    monkeypatch.setenv("KAON_TEST_URL", f"sqlite:///{tmp_path}/whole.db")
    whole = sql_step("SELECT 1 AS one", output="rows", engine=secret("KAON_TEST_URL"))
    part = sql_step(
        "SELECT 1 AS one",
        output="rows",
        engine="postgresql+psycopg://me:{password}@127.0.0.1:1/db",
        secrets={"password": secret("KAON_TEST_PASSWORD")},
    )

    assert run(workflow("w", whole), store=open_store("memory://"))["rows"].to_pylist() == [{"one": 1}]
    (failed,) = run(workflow("w", part), store=open_store("memory://"), raises=False).failures
    assert "postgresql+psycopg cannot run the query of rows" in failed.cause  # nobody listens there
    assert "p@ss" not in str(failed)
    assert str(tmp_path) not in workflow("w", whole).plan.to_json()


def test_a_missing_engine_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)

    with pytest.raises(Exception, match=r"needs DuckDB, which is not installed(?s:.*)pip install 'kaon\[sql\]'"):
        rows_of("SELECT 1 AS one")


def test_a_missing_driver_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(
        Exception, match=r"needs a driver of 'postgresql\+psycopg'(?s:.*)pip install 'kaon\[postgres\]'"
    ):
        rows_of("SELECT 1 AS one", "postgresql+psycopg://host/db")


def test_every_fault_of_a_query_is_told_at_once():
    with pytest.raises(WorkflowError) as refused:
        sql_step(
            "SELECT * FROM t WHERE a = :marke AND t = :events",
            output="rows",
            engine="postgresql://me:hunter@host/{db}",
            inputs={"events": pa.Table, "market": str},
        )

    told = str(refused.value)
    assert "6 problems" in told
    for problem in (
        "the database of rows does not see the table 'events'",
        "the URL of rows has {db}, and no secret is called so",
        "the URL of rows holds a password",
        "the parameter :marke, and no input or setting is called so",
        "the query of rows binds :events, which is a table",
        "the query of rows does not use 'market'",
    ):
        assert problem in told
    assert "test_sql_step.py" in told


def test_another_engine_is_suggested_the_nearest():
    with pytest.raises(WorkflowError, match="did you mean 'duckdb'"):
        sql_step("SELECT 1", output="rows", engine="duckbd")


@pytest.mark.spark
def test_spark_reads_the_tables_of_a_hive_metastore(tmp_path):
    conf = {
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={tmp_path}/metastore;create=true",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
        "spark.sql.warehouse.dir": (tmp_path / "warehouse").as_uri(),
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={tmp_path}",
    }
    make = sql_step(
        "CREATE TABLE kept STORED AS PARQUET AS SELECT user, item FROM events WHERE item = :item",
        output="made",
        engine="spark",
        inputs={"events": pa.Table},
        settings={"item": 1},
        hive=True,
        conf=conf,
    )
    read = sql_step("SELECT user, item FROM kept ORDER BY user", output="rows", engine="spark", hive=True, conf=conf)
    store = open_store(str(tmp_path / "store"))
    run(workflow("w", read_events >> make), store=store)

    found = run(workflow("w", read), store=store)["rows"]

    assert found.to_pylist() == [{"user": "a", "item": 1}, {"user": "b", "item": 1}]
    assert any((tmp_path / "warehouse" / "kept").iterdir())
