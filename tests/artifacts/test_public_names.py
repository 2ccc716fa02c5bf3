from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import kaon.artifacts
from kaon.artifacts import ArtifactsError, CorruptArtifact, NoKind, StoreError, UnknownRecord, kaon_home


def test_every_public_name_is_there_and_named_once():
    names = kaon.artifacts.__all__

    assert len(names) == len(set(names))
    assert all(hasattr(kaon.artifacts, name) for name in names)


def test_the_folder_cannot_be_imported_under_another_name():
    folder = Path(kaon.artifacts.__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", "import artifacts"], cwd=folder, capture_output=True, text=True)

    assert done.returncode == 1
    assert "write: from kaon.artifacts import" in done.stderr


def test_an_error_shows_problem_place_cause_and_mend():
    error = StoreError("it broke", where="/store", why="because", fix="mend it")

    assert str(error) == "it broke\n  where: /store\n  why: because\n  fix: mend it"
    assert str(StoreError("it broke")) == "it broke"


@pytest.mark.parametrize("kind", [CorruptArtifact, NoKind, UnknownRecord])
def test_an_error_survives_the_way_between_processes(kind: type[ArtifactsError]):
    error = pickle.loads(pickle.dumps(kind("problem", where="a", why="b", fix="c")))

    assert type(error) is kind and str(error) == str(kind("problem", where="a", why="b", fix="c"))


def test_home_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("KAON_HOME", str(tmp_path / "x"))
    assert kaon_home() == tmp_path / "x"

    monkeypatch.delenv("KAON_HOME")
    monkeypatch.chdir(tmp_path)
    assert kaon_home() == tmp_path / ".kaon"
    assert not kaon_home().exists()
