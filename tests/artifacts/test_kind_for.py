from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Annotated, Any, NewType, Optional

import numpy as np
import pandas as pd
import pytest

import kaon.artifacts.kinds as kinds
from kaon.artifacts import BrokenKind, File, Metrics, NoKind, kind_for, kind_named, load_kinds, same_kind

Interactions = NewType("Interactions", pd.DataFrame)
Cleansed = NewType("Cleansed", Interactions)


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Declare other entry points than those that are installed."""

    def declare(*points: tuple[str, str]) -> None:
        load_kinds.cache_clear()
        found = [EntryPoint(name, value, kinds.GROUP) for name, value in points]
        monkeypatch.setattr(kinds, "entry_points", lambda group: found)

    yield declare
    load_kinds.cache_clear()


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (pd.DataFrame, "table"),
        (Interactions, "table"),
        (Cleansed, "table"),
        (Annotated[Interactions, "x"], "table"),
        (Optional[pd.DataFrame], "table"),  # noqa: UP045
        (Annotated[np.ndarray | None, "x"], "array"),
        (Metrics, "metrics"),
        (File, "file"),
        (int, "json"),
        (str | None, "json"),
        (int | str, "json"),
    ],
)
def test_aliases_and_optionals_are_stored_as_what_they_stand_for(annotation: Any, name: str):
    assert kind_for(annotation).name == name


def test_all_twelve_kinds_are_there_and_json_is_asked_last():
    assert {kind.name for kind in load_kinds()} == {
        "table", "array", "json", "metrics", "figure", "text", "torch_module", "faiss_index", "xgboost_model",
        "factor_model", "file", "directory",
    }  # fmt: skip
    assert load_kinds()[-1].name == "json"


@pytest.mark.parametrize("annotation", [object, Any, int | pd.DataFrame, list[pd.DataFrame], bytes, pd.Series])
def test_a_type_that_no_kind_stores_is_refused_with_the_kinds_and_a_mend(annotation: Any):
    with pytest.raises(NoKind, match="no kind can store") as caught:
        kind_for(annotation)

    assert "table" in caught.value.why and "File(path)" in caught.value.fix


def test_an_unknown_name_is_refused():
    with pytest.raises(NoKind, match="no kind is called 'pickle'"):
        kind_named("pickle")


def test_same_kind_knows_aliases_and_refuses_strangers():
    assert same_kind(Interactions, pd.DataFrame)
    assert same_kind(np.ndarray, np.ndarray | None)
    assert not same_kind(pd.DataFrame, np.ndarray)
    assert not same_kind(object, pd.DataFrame)


def test_a_kind_of_another_package_is_found_and_asked_before_json(declared: Any):
    declared(("json", "kaon.artifacts.kinds.json_value:JsonKind"), ("mine", "kaon.artifacts.kinds.metrics:MetricsKind"))

    assert [kind.name for kind in load_kinds()] == ["metrics", "json"]


def test_a_kind_that_cannot_be_loaded_is_named(declared: Any):
    declared(("mine", "no_such_package:Kind"))

    with pytest.raises(BrokenKind, match="the kind 'mine' cannot be loaded") as caught:
        load_kinds()
    assert "no_such_package:Kind" in caught.value.where and "ModuleNotFoundError" in caught.value.why


def test_without_its_metadata_kaon_says_that_it_is_not_installed(declared: Any):
    declared()

    with pytest.raises(BrokenKind, match="not installed"):
        load_kinds()


def test_importing_and_loading_kinds_loads_no_heavy_library():
    code = """
import json, sys
import kaon.artifacts
kaon.artifacts.load_kinds()
kaon.artifacts.same_kind(int, int)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    heavy = {"torch", "pyspark", "prefect", "mlflow", "pandas", "xgboost", "faiss", "altair", "pyarrow", "sqlalchemy"}

    assert heavy.isdisjoint(loaded)
