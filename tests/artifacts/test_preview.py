from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kaon.artifacts import CorruptArtifact, Directory, FactorModel, Markdown, Metrics
from kaon.artifacts.viewers import preview


def show(work: Any, value: object, annotation: object) -> list[str]:
    return preview(work.store, work.put(value, annotation))


def test_a_table_shows_its_size_and_head(work: Any):
    lines = show(work, pd.DataFrame({"user": [f"u{number}" for number in range(50)], "rating": 1.5}), pd.DataFrame)

    assert lines[0] == "50 rows, 2 columns"
    assert lines[1].split() == ["user", "rating"]
    assert lines[2].split() == ["u0", "1.5"] and len(lines) == 12


def test_metrics_show_as_a_table(work: Any):
    assert show(work, Metrics(loss=0.123456789, ndcg=1), Metrics) == ["loss  0.123457", "ndcg  1"]
    assert show(work, Metrics(), Metrics) == []


def test_json_shows_indented_and_is_cut(work: Any):
    assert show(work, {"a": "é"}, dict[str, str]) == ["{", '  "a": "é"', "}"]
    assert show(work, list(range(100)), list[int])[-1] == "…"
    assert len(show(work, list(range(100)), list[int])) == 21


def test_wide_lines_are_cut(work: Any):
    assert show(work, Markdown("x" * 200), Markdown) == ["x" * 99 + "…"]


def test_an_array_shows_shape_and_edges(work: Any):
    lines = show(work, np.arange(1000.0).reshape(500, 2), np.ndarray)

    assert lines[0] == "float64, shape (500, 2)" and "..." in "".join(lines)


def test_a_folder_lists_its_files(work: Any, tmp_path: Path):
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "a.txt").write_text("abc")

    assert show(work, Directory(tmp_path / "folder"), Directory) == ["deep/a.txt  3 bytes"]


def test_other_kinds_show_their_summary(work: Any):
    model = FactorModel(["u"], ["i"], [[1.0]], [[2.0]], {"rank": 1})  # type: ignore[arg-type]

    assert show(work, model, FactorModel) == ["users   1", "items   1", "rank    1", 'config  {"rank": 1}']


def test_a_damaged_artifact_is_not_shown_as_if_it_were_whole(folder_work: Any):
    model = FactorModel([f"u{n}" for n in range(900)], ["i"], [[1.0]] * 900, [[2.0]])  # type: ignore[arg-type]
    artifact = folder_work.put(model, FactorModel)
    folder_work.store.blobs.path(artifact.digest).chmod(0o644)
    folder_work.store.blobs.path(artifact.digest).write_bytes(b"")

    with pytest.raises(CorruptArtifact):
        preview(folder_work.store, artifact)
