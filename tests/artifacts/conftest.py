from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.artifacts.stores import Clock, Work, empty_postgres

from kaon.artifacts import Digest, Lease, Store, digest_bytes, open_store
from kaon.artifacts.records.database import Database
from kaon.artifacts.records.records import Records

DATABASES = ["file", "memory", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a Kaon home of its own."""
    monkeypatch.setenv("KAON_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "home"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=DATABASES)
def records_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of empty records."""
    match request.param:
        case "file":
            return f"sqlite:///{tmp_path / 'deep' / 'records.sqlite'}"
        case "memory":
            return "sqlite://"
    return empty_postgres()


@pytest.fixture
def records(records_url: str, clock: Clock) -> Iterator[Records]:
    database = Database(records_url)
    yield Records(database, clock)
    database.close()


@pytest.fixture
def lease(records: Records) -> Lease:
    return records.start_run("flow", {"train.rank": 8}, '{"plan": 1}', "local", {"user": "me"}).lease


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    folder = tmp_path / "store"
    match request.param:
        case "file":
            opened = open_store(folder)
        case "memory":
            opened = open_store("memory://")
        case _:
            opened = open_store(f"{folder.as_uri()}?records={empty_postgres()}")
    yield opened
    opened.records.database.close()


@pytest.fixture
def folder_store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store")
    yield opened
    opened.records.database.close()


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.postgres)])
def disk_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store whose blobs are in a folder, so that other processes find them."""
    folder = tmp_path / "store"
    opened = open_store(folder if request.param == "file" else f"{folder.as_uri()}?records={empty_postgres()}")
    yield opened
    opened.records.database.close()


@pytest.fixture
def begin() -> Callable[[Store], Work]:
    """Start a run in a store."""

    def begin(store: Store) -> Work:
        return Work(store, store.records.start_run("flow", {}, "{}", "local", {}).lease)

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
