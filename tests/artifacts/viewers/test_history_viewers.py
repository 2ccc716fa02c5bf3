"""Every shipped viewer of histories passes the suite that plug-ins are tested with, and shows what it promises."""

from __future__ import annotations

from typing import Any

import altair
import numpy as np
import pandas as pd
from tests.artifacts.viewers.test_viewers import DECISIONS, IMPORTANCE

from kaon.artifacts import Metrics, Text
from kaon.artifacts.testing import HistoryViewerTests
from kaon.artifacts.viewers.blocks import ArtifactLink, Chart, Grid, RunLink
from kaon.artifacts.viewers.history.decisions import DecisionsHistory
from kaon.artifacts.viewers.history.facts import FactsHistory
from kaon.artifacts.viewers.history.figure import FigureHistory
from kaon.artifacts.viewers.history.importance import ImportanceHistory
from kaon.artifacts.viewers.history.metrics import MetricsHistory
from kaon.artifacts.viewers.history.numbers import NumbersHistory
from kaon.artifacts.viewers.history.series import changing_over_runs
from kaon.artifacts.viewers.history.table import TableHistory


def drawn(blocks: Any) -> list[dict[str, Any]]:
    """Return the rows of all charts."""
    charts: list[Any] = [block.spec for block in blocks if isinstance(block, Chart)]
    return [row for spec in charts for row in spec["data"]["values"]]


class TestMetricsHistory(HistoryViewerTests):
    viewer = MetricsHistory()
    annotation = Metrics
    values = (Metrics(loss=3, ndcg=0.1), None, Metrics(loss=2, ndcg=float("nan")), Metrics(loss=1, extra=5))

    def test_a_run_without_the_metric_breaks_its_line(self, moments: Any):
        rows = drawn(self.viewer.view(moments))

        assert [row["value"] for row in rows if row["series"] == "loss"] == [3, None, 2, 1]
        assert [row["value"] for row in rows if row["series"] == "ndcg"] == [0.1, None, None, None]

    def test_the_table_has_the_newest_run_first_and_leads_to_it(self, moments: Any):
        (table,) = [block for block in self.viewer.view(moments) if isinstance(block, Grid)]

        assert table.columns == ("run", "started (UTC)", "state", "loss", "ndcg", "extra")
        assert table.rows[0] == (RunLink(4), "2026-01-05 00:00:00", "completed", 1, None, 5)

    def test_numbers_of_one_size_share_a_chart_and_what_never_changes_is_only_in_the_table(self, moments: Any):
        numbers = [{"a": 0.5, "b": 0.6, "c": 4000, "d": 7}, {"a": 0.4, "b": 0.7, "c": 5000, "d": 7}]
        blocks = changing_over_runs(numbers, moments[:2], "title", "description")

        charts = [block for block in blocks if isinstance(block, Chart)]
        assert [{row["series"] for row in drawn([chart])} for chart in charts] == [{"a", "b"}, {"c"}]


class TestNumbersHistory(HistoryViewerTests):
    viewer = NumbersHistory()
    annotation = dict[str, Any]
    values = (
        {"deep": {"a": 1.5}, "names": ["x", "y"], "flag": True, "text": "no"},
        {"deep": {"a": 2.5}, "names": ["x"], "flag": False},
    )

    def test_numbers_are_found_inside_mappings_and_lists_are_counted(self, moments: Any):
        rows = drawn(self.viewer.view(moments))

        assert {row["series"] for row in rows} == {"deep.a", "names (items)", "flag"}
        assert [row["value"] for row in rows if row["series"] == "names (items)"] == [2, 1]


class TestImportanceHistory(HistoryViewerTests):
    viewer = ImportanceHistory()
    annotation = pd.DataFrame
    values = (IMPORTANCE, None, IMPORTANCE.assign(gain=[0.9, 0.1]), IMPORTANCE.tail(1))

    def test_a_line_for_each_feature_the_most_important_over_all_runs_first(self, moments: Any):
        rows = drawn(self.viewer.view(moments))

        assert list(dict.fromkeys(row["series"] for row in rows)) == ["price", "age"]
        assert [row["importance"] for row in rows if row["series"] == "age"] == [0.25, None, 0.9, None]


class TestTableHistory(HistoryViewerTests):
    viewer = TableHistory()
    annotation = pd.DataFrame
    values = tuple(pd.DataFrame({"a": np.arange(rows) + 1.0, "b": "x"}) for rows in (3, 5, 9))

    def test_rows_and_column_means_drift(self, moments: Any):
        rows, means = (block for block in self.viewer.view(moments) if isinstance(block, Chart))

        assert [row["rows"] for row in rows.spec["data"]["values"]] == [3, 5, 9]  # type: ignore[index,call-overload]
        assert [row["times the first"] for row in means.spec["data"]["values"]] == [1, 1.5, 2.5]  # type: ignore[index,call-overload]


class TestDecisionsHistory(HistoryViewerTests):
    viewer = DecisionsHistory()
    annotation = pd.DataFrame
    values = (DECISIONS, None, DECISIONS.assign(chosen="local"))

    def test_a_square_for_each_market_and_run(self, moments: Any):
        rows = drawn(self.viewer.view(moments))

        assert [row["chosen"] for row in rows if row.get("market") == "s1"] == ["global", "none", "local"]


class TestFigureHistory(HistoryViewerTests):
    viewer = FigureHistory()
    annotation = altair.Chart
    values = tuple(
        None if n is None else altair.Chart(pd.DataFrame({"a": [n]}), title="Losses").mark_bar().encode(x="a")
        for n in (1, None, 2)
    )

    def test_the_newest_figure_comes_first(self, moments: Any):
        assert [block.title for block in self.viewer.view(moments)] == [
            "Run 3, 2026-01-04: Losses",
            "Run 1, 2026-01-02: Losses",
        ]


class TestFactsHistory(HistoryViewerTests):
    viewer = FactsHistory()
    annotation = Text
    values = (Text("a"), Text("a"), None, Text("bb"))

    def test_it_says_when_the_content_changed(self, moments: Any):
        *_, history = self.viewer.view(moments)

        assert [row[-1] for row in history.rows] == ["changed", "missing", "the same as before", "the first"]
        assert history.rows[0][2] == ArtifactLink(moments[3].artifact.id, f"#{moments[3].artifact.id}")
