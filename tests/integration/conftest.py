"""One Prefect server for each module of tests that talks to Prefect."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kaon.dsl.backends.prefect.server import prefect_server


@pytest.fixture(scope="module")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a Kaon home whose Prefect server runs for the whole module."""
    home = tmp_path_factory.mktemp("home")
    with prefect_server(home):
        yield home


@pytest.fixture
def server(served_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the module's Prefect server, as KAON_HOME."""
    monkeypatch.setenv("KAON_HOME", str(served_home))
    return served_home
