from __future__ import annotations

import io
import sys
import types
from typing import Any, ClassVar

import altair as alt
import faiss
import numpy as np
import pandas as pd
import pytest
import torch
import xgboost
from torch import nn

from kaon.artifacts import NotStorable, WrongType
from kaon.artifacts.kinds.faiss_index import FaissIndexKind
from kaon.artifacts.kinds.figure import FigureKind
from kaon.artifacts.kinds.torch_module import TorchModuleKind
from kaon.artifacts.kinds.xgboost_model import XGBoostModelKind
from kaon.artifacts.testing import KindTests, dumped


class Tower(nn.Module):
    def __init__(self, dim: int = 2, items: list[str] | None = None) -> None:
        super().__init__()
        self.config = {"dim": dim, "items": items or []}
        self.embedding = nn.Embedding(3, dim)
        self.output = nn.Linear(dim, 3, bias=False)
        self.output.weight = self.embedding.weight
        self.register_buffer("seen", torch.arange(3).to(torch.bfloat16))


class Tied(Tower):
    def __init__(self, dim: int = 2, items: list[str] | None = None) -> None:
        super().__init__(dim, items)
        self.output.weight = self.embedding.weight


class Other(nn.Module):
    config: ClassVar[dict[str, Any]] = {}


class Stateful(nn.Module):
    config: ClassVar[dict[str, Any]] = {}

    def get_extra_state(self) -> Any:
        return {"a": 1}

    def set_extra_state(self, state: Any) -> None: ...


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of this name that holds the classes, as a researcher's own would be."""
    module = types.ModuleType("my_towers")
    for kind in (Tower, Other, Stateful):
        monkeypatch.setattr(kind, "__module__", "my_towers")
        setattr(module, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, "my_towers", module)


class TestTorchModuleKind(KindTests):
    kind = TorchModuleKind()
    foreign = (int, object, torch.Tensor)

    @pytest.fixture
    def values(self) -> Any:
        torch.manual_seed(0)
        return [(Tower, Tower(2)), (Tower, Tower(4, ["a"])), (nn.Module, Other())]

    def equal(self, first: Any, second: Any) -> bool:
        mine, other = first.state_dict(), second.state_dict()
        return first.config == second.config and all(torch.equal(mine[name], other[name]) for name in mine | other)


def test_a_module_comes_back_in_evaluation_mode():
    loaded = TorchModuleKind().load(io.BytesIO(dumped(TorchModuleKind(), Tower())), nn.Module)

    assert isinstance(loaded, Tower) and not loaded.training


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_weights_come_back_in_the_type_that_they_had(dtype: torch.dtype):
    tower = Tower().to(dtype)

    loaded = TorchModuleKind().load(io.BytesIO(dumped(TorchModuleKind(), tower)), Tower)

    assert torch.equal(loaded.output.weight, tower.output.weight) and loaded.output.weight.dtype == dtype
    assert dumped(TorchModuleKind(), loaded) == dumped(TorchModuleKind(), tower)


def test_weights_that_two_layers_share_stay_shared_in_another_type():
    loaded = TorchModuleKind().load(io.BytesIO(dumped(TorchModuleKind(), Tied().double())), Tied)

    assert loaded.output.weight is loaded.embedding.weight and loaded.output.weight.dtype == torch.float64


def test_a_module_without_values_is_refused_by_the_name_of_its_state():
    with pytest.raises(NotStorable, match="the state 'seen' of Tower cannot be stored"):
        dumped(TorchModuleKind(), Tower().to("meta"))


def test_a_module_that_its_config_does_not_give_back_is_told_with_class_config_and_mend():
    tower = Tower()
    tower.output = nn.Linear(7, 3)

    with pytest.raises(WrongType, match="Tower does not give the stored module back") as caught:
        TorchModuleKind().load(io.BytesIO(dumped(TorchModuleKind(), tower)), Tower)
    assert "'dim': 2" in caught.value.why and "size mismatch" in caught.value.why and "config" in caught.value.fix


def test_weights_are_kept_whatever_their_memory():
    tower, other = Tower(), Tower()
    with torch.no_grad():
        other.embedding.weight = other.output.weight = nn.Parameter(tower.embedding.weight.T.contiguous().T)

    assert dumped(TorchModuleKind(), other) == dumped(TorchModuleKind(), tower)


def test_a_class_that_is_gone_reads_as_the_one_of_its_name(monkeypatch: pytest.MonkeyPatch):
    raw = dumped(TorchModuleKind(), Tower())
    monkeypatch.delitem(sys.modules, "my_towers")

    assert type(TorchModuleKind().load(io.BytesIO(raw), Tower)) is Tower
    with pytest.raises(WrongType, match="my_towers:Tower of the stored module is not to be found"):
        TorchModuleKind().load(io.BytesIO(raw), nn.Module)


def test_a_module_of_another_class_is_refused():
    with pytest.raises(WrongType, match=r"the stored module is a my_towers:Tower, not a my_towers\.Other"):
        TorchModuleKind().load(io.BytesIO(dumped(TorchModuleKind(), Tower())), Other)


@pytest.mark.parametrize(
    ("value", "problem"),
    [(nn.Linear(1, 1), "Linear has no config"), (3, "cannot be stored"), (Stateful(), "state '_extra_state'")],
)
def test_a_module_that_could_not_be_rebuilt_is_refused(value: Any, problem: str):
    with pytest.raises(NotStorable, match=problem):
        dumped(TorchModuleKind(), value)


def test_a_long_vocabulary_is_not_in_the_summary():
    assert TorchModuleKind().summary(Tower(2, ["item"] * 100)) == {
        "class": "my_towers:Tower",
        "parameters": 6,
        "config": {"dim": 2},
    }


VECTORS = np.random.default_rng(0).standard_normal((200, 8)).astype("f4")


def index(factory: str) -> Any:
    built = faiss.index_factory(8, factory)
    built.train(VECTORS)
    built.add(VECTORS)
    return built


def binary() -> Any:
    built = faiss.IndexBinaryFlat(64)
    built.add(np.arange(80, dtype="u1").reshape(10, 8))
    return built


class TestFaissIndexKind(KindTests):
    kind = FaissIndexKind()
    foreign = (int, object, np.ndarray)

    @pytest.fixture
    def values(self) -> Any:
        kinds = ("IVF4,Flat", "HNSW8", "SQ8")
        return [(faiss.Index, index(factory)) for factory in kinds] + [(faiss.IndexBinary, binary())]

    def equal(self, first: Any, second: Any) -> bool:
        if isinstance(first, faiss.IndexBinary):
            return type(first) is type(second) and first.ntotal == second.ntotal
        found = [built.search(VECTORS[:5], 3) for built in (first, second)]
        return type(first) is type(second) and all(map(np.array_equal, *found))

    def again(self, value: Any) -> Any:
        return faiss.clone_binary_index(value) if isinstance(value, faiss.IndexBinary) else faiss.clone_index(value)


def test_what_is_no_index_is_refused():
    with pytest.raises(NotStorable, match="cannot be stored as faiss_index"):
        dumped(FaissIndexKind(), VECTORS)


def booster(rounds: int, names: list[str] | None = None) -> xgboost.Booster:
    labels = (VECTORS[:, 0] > 0).astype("f4")
    matrix = xgboost.DMatrix(VECTORS, label=labels, feature_names=names)
    return xgboost.train({"max_depth": 2, "nthread": 1}, matrix, num_boost_round=rounds)


class TestXGBoostModelKind(KindTests):
    kind = XGBoostModelKind()
    foreign = (int, object, dict)

    @pytest.fixture
    def values(self) -> Any:
        regressor = xgboost.XGBRegressor(n_estimators=3, max_depth=2, n_jobs=1).fit(VECTORS, VECTORS[:, 0])
        names = [f"feature {column}" for column in range(8)]
        return [(xgboost.Booster, booster(2)), (xgboost.Booster, booster(3, names)), (xgboost.XGBRegressor, regressor)]

    def equal(self, first: Any, second: Any) -> bool:
        if isinstance(first, xgboost.XGBModel):
            return np.array_equal(first.predict(VECTORS), second.predict(VECTORS))
        predicted = [
            model.predict(xgboost.DMatrix(VECTORS, feature_names=model.feature_names)) for model in (first, second)
        ]
        return first.feature_names == second.feature_names and np.array_equal(*predicted)


def test_what_is_no_booster_is_refused():
    with pytest.raises(NotStorable, match="cannot be stored as xgboost_model"):
        dumped(XGBoostModelKind(), VECTORS)


def test_the_summary_of_a_booster_gives_rounds_and_features():
    assert XGBoostModelKind().summary(booster(2)) == {"rounds": 2, "features": 8, "feature_names": None}


FRAME = pd.DataFrame({"x": [1, 2], "word": ["param_9", "view_9"]})


def scatter() -> alt.Chart:
    brush = alt.selection_interval()
    return alt.Chart(FRAME, title="A chart").mark_point().encode(x="x:Q", y="word:N").add_params(brush)


class TestFigureKind(KindTests):
    kind = FigureKind()
    foreign = (int, object, dict)

    @pytest.fixture
    def values(self) -> Any:
        bars = alt.Chart(FRAME).mark_bar().encode(x="x:Q")
        return [(alt.Chart, scatter()), (alt.LayerChart, bars + bars.mark_rule()), (alt.HConcatChart, bars | bars)]

    def equal(self, first: Any, second: Any) -> bool:
        return type(first) is type(second) and dumped(self.kind, first) == dumped(self.kind, second)


def test_names_that_altair_counts_do_not_show_and_data_keeps_its_words():
    first, second = dumped(FigureKind(), scatter()), dumped(FigureKind(), scatter())

    assert first == second
    assert b"param_1" in first and b"param_9" in first and b"view_9" in first


def test_a_chart_of_many_rows_is_kept_whole():
    chart = alt.Chart(pd.DataFrame({"x": range(6000)})).mark_bar().encode(x="x:Q")
    loaded: Any = FigureKind().load(io.BytesIO(dumped(FigureKind(), chart)), dict)

    assert sum(map(len, loaded["datasets"].values())) == 6000


def test_the_summary_of_a_chart_gives_mark_and_title():
    assert FigureKind().summary(scatter()) == {"chart": "Chart", "mark": "point", "title": "A chart"}
    assert FigureKind().summary(scatter().properties(title=alt.Title("T")))["title"] == "T"


@pytest.mark.parametrize(
    ("value", "problem"), [({}, "cannot be stored as figure"), (alt.Chart(FRAME), "not valid Vega-Lite")]
)
def test_what_is_no_chart_is_refused(value: Any, problem: str):
    with pytest.raises(NotStorable, match=problem):
        dumped(FigureKind(), value)
