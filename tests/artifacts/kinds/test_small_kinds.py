from __future__ import annotations

import io
import math
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kaon.artifacts import Directory, FactorModel, File, Html, Markdown, Metrics, NotStorable, Text, WrongType
from kaon.artifacts.kinds.directory import DirectoryKind
from kaon.artifacts.kinds.factor_model import FactorModelKind
from kaon.artifacts.kinds.file import FileKind
from kaon.artifacts.kinds.metrics import MetricsKind
from kaon.artifacts.kinds.text import TextKind
from kaon.artifacts.testing import KindTests, dumped


class TestMetricsKind(KindTests):
    kind = MetricsKind()
    examples = (
        (Metrics, Metrics({"ndcg@10": 0.25, "users": 3})),
        (Metrics, Metrics()),
        (Metrics, Metrics(loss=math.inf)),
    )
    foreign = (dict, dict[str, float], object)

    def test_the_summary_is_plain_json(self, values: Any) -> None:
        assert self.kind.summary(values[0][1]) == {"ndcg@10": 0.25, "users": 3.0}


def test_metrics_are_an_immutable_mapping_of_numbers():
    metrics = Metrics({"b": np.float32(0.5)}, a=1)

    assert dict(metrics) == {"b": 0.5, "a": 1.0}
    assert metrics == Metrics(a=1, b=0.5) and hash(metrics) == hash(Metrics(a=1, b=0.5))
    assert repr(metrics) == "Metrics({'b': 0.5, 'a': 1.0})"
    with pytest.raises(TypeError):
        metrics["a"] = 2  # type: ignore[index]


@pytest.mark.parametrize("value", [3, {"a": "x"}, {"a": None}])
def test_what_is_no_metrics_is_refused(value: Any):
    with pytest.raises(NotStorable, match="cannot be stored as metrics"):
        dumped(MetricsKind(), value)


def test_a_plain_dict_of_numbers_is_stored_as_metrics():
    assert dumped(MetricsKind(), {"a": 1}) == dumped(MetricsKind(), Metrics(a=1))


class TestTextKind(KindTests):
    kind = TextKind()
    examples = (
        (Text, Text("plain é")),
        (Markdown, Markdown("# Title\n\ntext")),
        (Html, Html("<b>x</b>")),
    )
    foreign = (str, int, object)


def test_text_reads_as_any_text_type():
    assert type(TextKind().load(io.BytesIO(b"x"), Html)) is Html
    assert type(TextKind().load(io.BytesIO(b"x"), str)) is str
    assert TextKind().summary(Markdown("a\nb")) == {"format": "markdown", "characters": 3, "lines": 2}
    assert TextKind().summary("a") == {"format": "text", "characters": 1, "lines": 1}


@pytest.mark.parametrize("value", [3, "\ud800"])
def test_what_is_no_text_is_refused(value: Any):
    with pytest.raises(NotStorable, match="cannot be stored as text"):
        dumped(TextKind(), value)


def factors(**changed: Any) -> FactorModel:
    arrays = {
        "user_ids": ["u1", "ü2"],
        "item_ids": np.array(["i1"], dtype=object),
        "user_factors": [[1, 2], [3, 4]],
        "item_factors": np.asfortranarray(np.ones((1, 2))),
    }
    return FactorModel(**{**arrays, **changed})  # type: ignore[arg-type]


class TestFactorModelKind(KindTests):
    kind = FactorModelKind()
    examples = (
        (FactorModel, factors(config={"rank": 2})),
        (FactorModel, factors(user_ids=["u1", "u\n"])),
        (FactorModel, factors(user_ids=[], user_factors=np.zeros((0, 2)))),
    )
    foreign = (dict, object)


def test_a_factor_model_holds_float32_and_text():
    model = factors()

    assert model.item_factors.dtype == model.user_factors.dtype == np.dtype("f4")
    assert model.item_ids.dtype.kind == "U"
    assert model != factors(config={"a": 1}) and model != factors(item_ids=["i2"]) and model != 3
    assert FactorModelKind().summary(model) == {"users": 2, "items": 1, "rank": 2, "config": {}}


@pytest.mark.parametrize(
    "changed", [{"user_ids": ["u1"]}, {"item_ids": []}, {"item_factors": [[1.0]]}, {"user_factors": [1.0, 2.0]}]
)
def test_factors_that_do_not_fit_their_ids_are_refused(changed: dict[str, Any]):
    with pytest.raises(NotStorable, match="do not fit each other"):
        factors(**changed)


def test_what_is_no_factor_model_is_refused():
    with pytest.raises(NotStorable, match="a dict cannot be stored as factor_model"):
        dumped(FactorModelKind(), {})


def content(value: Any) -> Any:
    path = Path(value)
    if path.is_file():
        return path.read_bytes()
    return {
        inside.relative_to(path): (os.access(inside, os.X_OK), inside.read_bytes()) if inside.is_file() else None
        for inside in path.rglob("*")
    }


class TestFileKind(KindTests):
    kind = FileKind()
    foreign = (Path, str, object, Directory)

    @pytest.fixture
    def values(self, tmp_path: Path) -> Any:
        (tmp_path / "a.bin").write_bytes(b"\x00\x01" * 3_000_000)
        (tmp_path / "b.txt").write_text("")
        return [(File, File(tmp_path / "a.bin")), (File, File(str(tmp_path / "b.txt")))]  # type: ignore[arg-type]

    def equal(self, first: Any, second: Any) -> bool:
        return content(first) == content(second)


class TestDirectoryKind(KindTests):
    kind = DirectoryKind()
    foreign = (Path, str, object, File)

    @pytest.fixture
    def values(self, tmp_path: Path) -> Any:
        folder = tmp_path / "model"
        (folder / "empty").mkdir(parents=True)
        (folder / "weights.bin").write_bytes(b"\x01" * 100_000)
        (folder / "run.sh").write_text("#!/bin/sh\n")
        (folder / "run.sh").chmod(0o755)
        (tmp_path / "none").mkdir()
        return [(Directory, Directory(folder)), (Directory, Directory(tmp_path / "none"))]

    def equal(self, first: Any, second: Any) -> bool:
        return content(first) == content(second)


def test_times_and_owners_of_files_do_not_show(tmp_path: Path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        for letter in sorted("ba", reverse=name == "first"):
            (tmp_path / name / letter).write_text(letter)
    os.utime(tmp_path / "second" / "a", (1, 1))

    assert dumped(DirectoryKind(), Directory(tmp_path / "first")) == dumped(
        DirectoryKind(), Directory(tmp_path / "second")
    )


def test_a_folder_that_someone_changed_after_reading_is_unpacked_afresh(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("whole")
    raw = dumped(DirectoryKind(), Directory(tmp_path / "folder"))
    first = DirectoryKind().load(io.BytesIO(raw), Directory)
    (first.path / "a").write_text("changed")
    (first.path / "link").symlink_to("/etc/passwd")

    again = DirectoryKind().load(io.BytesIO(raw), Directory)

    assert content(again) == {Path("a"): (False, b"whole")}


def test_a_folder_with_a_link_is_refused(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to("/etc/passwd")

    with pytest.raises(NotStorable, match="neither a file nor a folder"):
        dumped(DirectoryKind(), Directory(tmp_path / "folder"))


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        (FileKind(), File(Path("/no/file")), "there is no file '/no/file'"),
        (FileKind(), "/etc/passwd", "a str cannot be stored as file"),
        (DirectoryKind(), Directory(Path("/no/folder")), "there is no folder '/no/folder'"),
        (DirectoryKind(), Path("/"), "cannot be stored as directory"),
    ],
)
def test_a_path_without_its_file_is_refused(kind: Any, value: Any, problem: str):
    with pytest.raises(NotStorable, match=problem):
        dumped(kind, value)


@pytest.mark.parametrize("name", ["../outside.txt", "/tmp/outside.txt"])
def test_a_stored_folder_that_would_write_outside_itself_is_refused(name: str) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
    raw.seek(0)

    with pytest.raises(WrongType, match="which is no file or folder inside it"):
        DirectoryKind().load(raw, Directory)
