"""Bundles of the small world, and servers of them."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import pytest
from starlette.testclient import TestClient
from tests.deploy.live_server import LiveServer
from tests.steps.published_world import published

from kaon.deploy.serving.app import create_app
from kaon.deploy.serving.metrics import ServerMetrics
from kaon.deploy.serving.recommender import Recommender, load_recommender
from kaon.deploy.serving.watching import Current


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two versions of a bundle, by rankers of different length; nobody may change them."""
    with patch.dict(os.environ, KAON_HOME=str(tmp_path_factory.mktemp("published"))):
        first, second = (Path(published("small", rounds=rounds, publisher="bundle").bundle) for rounds in (20, 12))
    return first, second


@pytest.fixture
def copied(bundles: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of the first bundle that a test may change."""
    return Path(shutil.copytree(bundles[0], tmp_path / "copied"))


@pytest.fixture(scope="session")
def recommender(bundles: tuple[Path, Path]) -> Recommender:
    return load_recommender(bundles[0])


@pytest.fixture(scope="session")
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as workers:
        yield workers


Ask = Callable[[Recommender | None], TestClient]


@pytest.fixture
def client_of(workers: ThreadPoolExecutor) -> Ask:
    """Return what gives a client of an application of its own, served by a recommender or by none."""

    def client(recommender: Recommender | None) -> TestClient:
        app = create_app(Current(recommender), ServerMetrics(), workers)
        return TestClient(app, raise_server_exceptions=False)

    return client


@pytest.fixture
def client(client_of: Ask, recommender: Recommender) -> TestClient:
    return client_of(recommender)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    """Return what starts servers in processes of their own, which end with the test."""
    started: list[LiveServer] = []

    def start(bundle: Path, **environment: str) -> LiveServer:
        started.append(LiveServer(bundle, tmp_path / f"server-{len(started)}.log", environment))
        return started[-1]

    yield start
    for server in started:
        server.kill()
