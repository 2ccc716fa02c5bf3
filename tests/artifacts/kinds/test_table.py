from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kaon.artifacts import NotStorable, WrongType, same_kind
from kaon.artifacts.kinds.table import TableKind
from kaon.artifacts.testing import KindTests, dumped

RATINGS = pd.DataFrame(
    {
        "user_id": ["u1", "u2", None],
        "market": pd.Categorical(["US", "JP", "US"]),
        "rating": np.array([1.0, np.nan, 3.0], "f4"),
        "count": pd.array([1, None, 3], dtype="Int64"),
        "time": pd.to_datetime(
            ["2026-01-01T00:00:00.000000001", "2026-01-02", "2026-01-03"], utc=True, format="ISO8601"
        ),
    }
)
INDEXED = pd.DataFrame({"score": [0.5, 0.25]}, index=pd.Index(["a", "b"], name="item"))
EMPTY = pd.DataFrame({"user_id": pd.Series([], dtype=object), "rating": pd.Series([], dtype="f4")})
ARROW = pa.table({"x": pa.array([1, None, 3]), "name": pa.array(["a", "b", "c"]).dictionary_encode()})


class TestTableKind(KindTests):
    kind = TableKind()
    examples = (
        (pd.DataFrame, RATINGS),
        (pd.DataFrame, INDEXED),
        (pd.DataFrame, EMPTY),
        (pa.Table, ARROW),
    )
    foreign = (int, dict, object, np.ndarray, pd.Series)

    def equal(self, first: Any, second: Any) -> bool:
        return type(first) is type(second) and bool(first.equals(second))

    def again(self, value: Any) -> Any:
        return (
            value.copy() if isinstance(value, pd.DataFrame) else pa.concat_tables([value.slice(0, 1), value.slice(1)])
        )


def read(value: object, wanted: object) -> Any:
    return TableKind().load(io.BytesIO(dumped(TableKind(), value)), wanted)


def test_types_survive_in_pandas():
    pd.testing.assert_frame_equal(read(RATINGS, pd.DataFrame), RATINGS)
    pd.testing.assert_frame_equal(read(EMPTY, pd.DataFrame), EMPTY)


@pytest.mark.parametrize(
    "categories",
    [
        pd.Categorical([3, 1, None], categories=[3, 2, 1], ordered=True),
        pd.Categorical([0.5, 1.5, 0.5]),
        pd.Categorical([True, False, True]),
        pd.Categorical(pd.to_datetime(["2026-01-01", "2026-01-02", None])),
        pd.Categorical([None, None, None]),
    ],
)
def test_categories_that_are_no_text_survive_with_their_order(categories: pd.Categorical):
    frame = pd.DataFrame({"x": [1, 2, 3], "a": categories})

    pd.testing.assert_frame_equal(read(frame, pd.DataFrame), frame)
    assert dumped(TableKind(), read(frame, pd.DataFrame)) == dumped(TableKind(), frame)
    assert read(frame, pa.Table).equals(pa.Table.from_pandas(frame), check_metadata=True)
    pd.testing.assert_frame_equal(read(frame[:0], pd.DataFrame), frame[:0])


def test_columns_that_only_arrow_has_are_read_by_arrow_and_refused_in_pandas():
    frame = pd.DataFrame({"a": pd.array([[1], None], pd.ArrowDtype(pa.list_(pa.int64())))})

    assert read(frame, pa.Table).column("a").to_pylist() == [[1], None]
    with pytest.raises(WrongType, match=r"cannot be read as pandas\.DataFrame") as caught:
        read(frame, pd.DataFrame)
    assert "pyarrow.Table" in caught.value.fix


def test_what_pandas_wrote_arrow_reads_and_the_other_way():
    assert read(RATINGS, pa.Table).column("rating").to_pylist() == [1.0, None, 3.0]
    assert read(ARROW, pd.DataFrame)["name"].tolist() == ["a", "b", "c"]
    assert isinstance(read(RATINGS, object), pa.Table)


def test_how_a_table_was_put_together_does_not_show():
    table = pa.table({"x": list(range(1000)), "y": pa.array(["a", "b"] * 500).dictionary_encode()})
    pieces = pa.concat_tables([table.slice(start, 100) for start in range(0, 1000, 100)])

    assert dumped(TableKind(), pieces) == dumped(TableKind(), table)


def test_pandas_and_arrow_tables_are_interchangeable_and_lists_are_not():
    assert same_kind(pd.DataFrame, pa.Table)
    assert not same_kind(pd.DataFrame, list)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([1, 2], "a list cannot be stored as table"),
        (pd.DataFrame({"a": [1, "x"]}), "a column that Parquet cannot say"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "a column that Parquet cannot say"),
        (pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "several columns called 'a'"),
        (pd.DataFrame([[1, 2]], columns=[0, "a"]), "column names that Parquet cannot keep"),
        (pd.DataFrame({"a": [2**70]}), "a column that Parquet cannot say"),
        (pd.DataFrame({"a": [{}, {}]}), "a column that Parquet cannot keep"),
        (pd.DataFrame({"a": pd.cut(np.arange(4.0), 2)}), "the categories of the column 'a' cannot be kept"),
        (pd.DataFrame(index=range(5)), "5 rows and no columns"),
        (pa.table({"a": pa.array([[1, 2], None], pa.list_(pa.int8(), 2))}), "'a' has lists of a fixed size"),
    ],
)
def test_a_table_that_cannot_be_kept_is_refused(value: object, problem: str):
    with pytest.raises(NotStorable, match=problem) as caught:
        dumped(TableKind(), value)

    assert caught.value.fix


def test_the_summary_gives_rows_and_schema():
    assert TableKind().summary(INDEXED) == {"rows": 2, "columns": 1, "schema": {"score": "float64"}}
    assert TableKind().summary(ARROW.select(["x"])) == {"rows": 3, "columns": 1, "schema": {"x": "int64"}}


@pytest.fixture(scope="module")
def spark() -> Any:
    from pyspark.sql import SparkSession

    return (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .getOrCreate()
    )


@pytest.mark.spark
class TestSpark:
    def test_a_spark_frame_comes_back_as_pandas_and_pandas_as_spark(self, spark: Any, tmp_path: Any):
        from pyspark.sql import DataFrame

        frame = spark.createDataFrame([("a", 1), ("b", 2)], "name string, x int")

        assert TableKind().accepts(DataFrame) and TableKind().accepts(type(frame))
        assert TableKind().summary(frame) == {"rows": 2, "columns": 2, "schema": {"name": "string", "x": "int"}}
        assert read(frame, pd.DataFrame).to_dict("list") == {"name": ["a", "b"], "x": [1, 2]}
        with_time = read(RATINGS, DataFrame).orderBy("time").collect()
        assert [row.user_id for row in with_time] == ["u1", "u2", None]

    def test_spark_reads_the_blob_itself(self, spark: Any, tmp_path: Any):
        from pyspark.sql import DataFrame

        path = tmp_path / "abcdef"
        path.write_bytes(dumped(TableKind(), ARROW))
        with path.open("rb") as source:
            frame: Any = TableKind().load(source, DataFrame)

        assert frame.inputFiles() == [path.as_uri()]
        assert sorted(frame.toPandas()["name"]) == ["a", "b", "c"]


def test_spark_without_a_session_is_refused_with_the_mend(monkeypatch: pytest.MonkeyPatch):
    from pyspark.sql import DataFrame, SparkSession

    monkeypatch.setattr(SparkSession, "getActiveSession", classmethod(lambda _: None))

    with pytest.raises(WrongType, match="no active Spark session"):
        read(ARROW, DataFrame)
