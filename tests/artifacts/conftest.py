from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kaon.artifacts import Artifact, Digest, Origin, Store, digest_bytes, open_store


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a Kaon home of its own."""
    monkeypatch.setenv("KAON_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "home"


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store" if request.param == "folder" else "memory://")
    yield opened
    opened.records.database.close()


@pytest.fixture
def folder_store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store")
    yield opened
    opened.records.database.close()


@dataclass
class Work:
    """A running step to store things from."""

    store: Store
    run: int
    step_run: int

    @property
    def origin(self) -> Origin:
        return Origin(self.run, self.step_run, "flow/step", (("market", "US"),), (1,))

    def put(self, value: object, annotation: object, name: str = "value", made_from: tuple[int, ...] = ()) -> Artifact:
        return self.store.put(value, name=name, annotation=annotation, origin=self.origin, made_from=made_from)

    def another(self) -> Work:
        return Work(self.store, self.run, self.store.records.start_step(self.run, "flow/step", "step"))


@pytest.fixture
def begin() -> Callable[[Store], Work]:
    """Start a run and a step in a store."""

    def begin(store: Store) -> Work:
        run = store.records.start_run("flow", {}, "{}", "local", {})
        return Work(store, run.id, store.records.start_step(run.id, "flow/step", "step"))

    return begin


@pytest.fixture
def work(store: Store, begin: Callable[[Store], Work]) -> Work:
    return begin(store)


@pytest.fixture
def folder_work(folder_store: Store, begin: Callable[[Store], Work]) -> Work:
    return begin(folder_store)


@pytest.fixture
def key() -> Digest:
    return digest_bytes(b"key")
