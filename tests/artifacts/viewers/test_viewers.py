"""Every shipped viewer passes the suite that plug-ins are tested with, and shows what it promises."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import altair
import numpy as np
import pandas as pd
import pytest

from kaon.artifacts import Directory, FactorModel, File, Html, Markdown, Metrics, Store, Text
from kaon.artifacts.testing import ViewerTests
from kaon.artifacts.testing.viewers import stored
from kaon.artifacts.viewers import Opened
from kaon.artifacts.viewers.array import ArrayViewer
from kaon.artifacts.viewers.blocks import Chart, Facts, Files, Grid, Note, Page, Picture, StoredText, Tree
from kaon.artifacts.viewers.decisions import DecisionsViewer
from kaon.artifacts.viewers.directory import DirectoryViewer
from kaon.artifacts.viewers.factor_model import FactorModelViewer
from kaon.artifacts.viewers.faiss_index import FaissIndexViewer
from kaon.artifacts.viewers.figure import FigureViewer
from kaon.artifacts.viewers.file import FileViewer
from kaon.artifacts.viewers.importance import ImportanceViewer
from kaon.artifacts.viewers.json_value import JsonViewer
from kaon.artifacts.viewers.metrics import MetricsViewer
from kaon.artifacts.viewers.receipt import ReceiptViewer
from kaon.artifacts.viewers.summary import SummaryViewer
from kaon.artifacts.viewers.table import TableViewer
from kaon.artifacts.viewers.text import HtmlViewer, MarkdownViewer, TextViewer
from kaon.artifacts.viewers.torch_module import TorchModuleViewer
from kaon.artifacts.viewers.xgboost_model import XGBoostModelViewer
from kaon.steps.market_models import Choice, MarketChoices
from kaon.steps.ranking import Interval

IMPORTANCE = pd.DataFrame({"feature": ["age", "price"], "gain": [0.25, 0.75], "splits": [3, 9]})
DECISIONS = pd.DataFrame(
    {
        "market": ["s1", "t1"],
        "users": [984, 1572],
        "chosen": ["global", "local"],
        "reason": ["no gain", "gains"],
        **{f"{model}{end}": [0.5, 0.25] for model in ("global", "local") for end in ("", "_low", "_high")},
    }
)


def png() -> bytes:
    """Return a picture of one pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    )


class TestTableViewer(ViewerTests):
    viewer = TableViewer()
    examples = ((pd.DataFrame, pd.DataFrame({"a": [1, 2], "b": ["x", None]})), (pd.DataFrame, pd.DataFrame()))


class TestImportanceViewer(ViewerTests):
    viewer = ImportanceViewer()
    examples = ((pd.DataFrame, IMPORTANCE),)
    foreign = ((pd.DataFrame, pd.DataFrame({"feature": ["a"], "age": [1]})), (int, 3))

    def test_the_most_important_feature_comes_first(self, opened: Any):
        chart = next(iter(self.viewer.view(opened[0])))

        assert [row["name"] for row in chart.spec["data"]["values"]] == ["price", "age"]


class TestDecisionsViewer(ViewerTests):
    viewer = DecisionsViewer()
    examples = ((pd.DataFrame, DECISIONS), (pd.DataFrame, DECISIONS.head(0)))

    def test_the_choices_themselves_show_as_their_table_does(self, folder_store: Store):
        measured = {model: Interval(0.5, 0.4, 0.6, 9) for model in ("tower", "local_als", "blend")}
        choices = MarketChoices({"s1": Choice("local_als", "gains", 9, measured, {})})
        artifact = stored(folder_store, choices, MarketChoices)
        chart, table = self.viewer.view(Opened(folder_store, artifact))

        assert self.viewer.fits(artifact) > JsonViewer().fits(artifact)
        drawn = {row["model"]: row["chosen"] for row in chart.spec["data"]["values"]}
        assert drawn == {"tower": False, "local_als": True, "blend": False}
        assert table.rows == (("s1", "local_als", 9, *["0.5000 [0.400, 0.600]"] * 3, "gains"),)


class TestMetricsViewer(ViewerTests):
    viewer = MetricsViewer()
    examples = ((Metrics, Metrics({"ndcg@10": 0.25, "loss": 3, "nan": float("nan")})), (Metrics, Metrics()))


class TestFigureViewer(ViewerTests):
    viewer = FigureViewer()
    examples = (
        (altair.Chart, altair.Chart(pd.DataFrame({"a": [1]}), title="Losses").mark_bar().encode(x="a")),
        (altair.Chart, altair.Chart(pd.DataFrame({"a": [1]})).mark_point().encode(x="a")),
    )

    def test_a_chart_has_the_title_of_the_figure(self, opened: Any):
        assert [next(iter(self.viewer.view(one))).title for one in opened] == ["Losses", "value"]


class TestJsonViewer(ViewerTests):
    viewer = JsonViewer()
    examples = (
        (float, 1.5),
        (str, "<b>bold</b>"),
        (list[dict[str, int]], [{"a": 1}, {"a": 2}]),
        (dict[str, list[int]], {"a": [1, 2]}),
        (list[int], []),
    )
    foreign = ((Metrics, Metrics(a=1)),)

    def test_records_with_the_same_fields_show_as_a_table(self, opened: Any):
        assert [type(block) for block in self.viewer.view(opened[2])] == [Grid, Tree]
        assert [type(block) for block in self.viewer.view(opened[3])] == [Tree]
        assert [type(block) for block in self.viewer.view(opened[0])] == [Facts]


class TestReceiptViewer(ViewerTests):
    viewer = ReceiptViewer()
    output = "receipt"
    examples = ((dict[str, Any], {"name": "shop", "metrics": {"ndcg": 0.5}, "reasons": ["none"], "deep": {"a": [1]}}),)
    foreign = ((dict[str, int], {"a": 1}),)

    def test_facts_come_before_what_they_are_made_of(self, opened: Any):
        assert [type(block) for block in self.viewer.view(opened[0])] == [Facts, Tree, Grid, Tree]


class TestArrayViewer(ViewerTests):
    viewer = ArrayViewer()
    examples = tuple(
        (np.ndarray, array)
        for array in (
            np.arange(12.0).reshape(3, 4),
            np.array([[np.nan, np.inf], [0.0, 1.0]]),
            np.zeros((0, 3)),
            np.array(5),
            np.array(["a", "<b>"]),
            np.random.default_rng(0).normal(size=(2000, 3, 2)),
            np.array([True, False]),
            np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
            np.array([1 + 2j]),
        )
    )

    def test_a_small_matrix_is_drawn_as_a_map(self, opened: Any):
        titles = [block.title for block in self.viewer.view(opened[0]) if isinstance(block, Chart)]

        assert titles == ["How the numbers are spread", "As a map"]

    def test_what_is_not_finite_is_counted_and_not_drawn(self, opened: Any):
        facts = dict(next(iter(self.viewer.view(opened[1]))).facts)

        assert (facts["not finite"], facts["smallest"], facts["largest"]) == ("50.0%", 0.0, 1.0)


class TestTextViewer(ViewerTests):
    viewer = TextViewer()
    examples = ((Text, Text("a\nb")), (Markdown, Markdown("# a")), (Text, Text("x" * 10_000)))


class TestMarkdownViewer(ViewerTests):
    viewer = MarkdownViewer()
    examples = ((Markdown, Markdown("# a\n\n<b>b</b>")), (Markdown, Markdown("- a\n" * 5000)))
    foreign = ((Text, Text("# a")), (Html, Html("<h1>a</h1>")))

    def test_what_is_too_long_to_be_laid_out_is_shown_as_text(self, store: Store):
        long = Opened(store, stored(store, Markdown("word " * 200_000), Markdown))

        assert [type(block) for block in self.viewer.view(long)] == [Note, StoredText]


class TestHtmlViewer(ViewerTests):
    viewer = HtmlViewer()
    examples = ((Html, Html("<p>hello<script>alert(1)</script>")), (Html, Html("<p>" * 5000)))
    foreign = ((Text, Text("<p>")),)

    def test_a_page_is_a_block_of_its_own_kind_which_alone_may_hold_html(self, opened: Any):
        assert [type(block) for block in self.viewer.view(opened[0])] == [Page]


class TestFactorModelViewer(ViewerTests):
    viewer = FactorModelViewer()
    examples = (
        (FactorModel, FactorModel(["u", "v"], ["i"], [[1.0, 2.0], [0.0, 1.0]], [[2.0, 1.0]], {"rank": 2})),  # type: ignore[arg-type]
        (FactorModel, FactorModel([f"u{n}" for n in range(2000)], ["i"], np.ones((2000, 4)), np.ones((1, 4)))),  # type: ignore[arg-type]
        (FactorModel, FactorModel([], [], np.zeros((0, 3)), np.zeros((0, 3)))),  # type: ignore[arg-type]
    )


class TestTorchModuleViewer(ViewerTests):
    viewer = TorchModuleViewer()

    @pytest.fixture
    def values(self):
        torch = pytest.importorskip("torch")
        module = torch.nn.Linear(30, 40)
        module.config = {"in_features": 30, "out_features": 40}
        return [(torch.nn.Module, module)]

    def test_every_tensor_is_listed_with_its_shape(self, opened: Any):
        facts, _, tensors, config = self.viewer.view(opened[0])

        assert dict(facts.facts)["numbers"] == 30 * 40 + 40
        assert {row[:2] for row in tensors.rows} == {("weight", "40 × 30"), ("bias", "40")}
        assert config.value == {"in_features": 30, "out_features": 40}


class TestXGBoostModelViewer(ViewerTests):
    viewer = XGBoostModelViewer()

    @pytest.fixture
    def values(self):
        import xgboost

        random = np.random.default_rng(0)
        rows = random.normal(size=(200, 3))
        table = xgboost.DMatrix(rows, label=rows[:, 1] * 2, feature_names=["age", "price", "noise"])
        model = xgboost.train({"max_depth": 2, "nthread": 1}, table, num_boost_round=5)
        return [(xgboost.Booster, model)]

    def test_the_feature_that_decides_comes_first(self, opened: Any):
        _, chart, _ = self.viewer.view(opened[0])

        assert chart.spec["data"]["values"][0]["name"] == "price"


class TestFaissIndexViewer(ViewerTests):
    viewer = FaissIndexViewer()

    @pytest.fixture
    def values(self):
        import faiss

        vectors = np.random.default_rng(0).normal(size=(500, 8)).astype("f4")
        flat, graph, quantised = (
            faiss.IndexFlatIP(8),
            faiss.IndexHNSWFlat(8, 4),
            faiss.IndexIVFFlat(faiss.IndexFlatL2(8), 8, 4),
        )
        quantised.train(vectors)
        for index in (flat, graph, quantised):
            index.add(vectors)
        binary = faiss.IndexBinaryFlat(64)
        binary.add(np.zeros((3, 8), "u1"))
        return [(type(index), index) for index in (flat, graph, quantised, faiss.IndexFlatL2(4), binary)]

    def test_a_graph_says_how_wide_it_is(self, opened: Any):
        facts = dict(next(iter(self.viewer.view(opened[1]))).facts)

        assert (facts["vectors"], facts["dimensions"], facts["class"]) == (500, 8, "IndexHNSWFlat")
        assert facts["links of a vector"] == 4


class TestFileViewer(ViewerTests):
    viewer = FileViewer()

    @pytest.fixture
    def values(self, tmp_path: Path):
        files = {"dot.png": png(), "notes.txt": b"hello", "any.bin": b"\0\1", "fake.svg": b"<svg onload='alert(1)'/>"}
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        return [(File, File(tmp_path / name)) for name in files]

    def test_a_picture_is_known_by_its_bytes_and_svg_is_only_text(self, opened: Any):
        shown = [[type(block) for block in self.viewer.view(one)][1] for one in opened]

        assert shown == [Picture, StoredText, Note, StoredText]


class TestDirectoryViewer(ViewerTests):
    viewer = DirectoryViewer()

    @pytest.fixture
    def values(self, tmp_path: Path):
        (tmp_path / "folder" / "deep").mkdir(parents=True)
        (tmp_path / "folder" / "deep" / "a.txt").write_text("abc")
        (tmp_path / "folder" / "<b>.txt").write_text("")
        return [(Directory, Directory(tmp_path / "folder"))]

    def test_every_file_is_listed_with_its_size(self, opened: Any):
        _, files = self.viewer.view(opened[0])

        assert isinstance(files, Files)
        assert [(entry.path, entry.size) for entry in files.entries] == [("<b>.txt", 0), ("deep/a.txt", 3)]


class TestSummaryViewer(ViewerTests):
    viewer = SummaryViewer()
    examples = ((Metrics, Metrics(a=1)),)
    foreign = ()
