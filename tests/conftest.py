"""What some tests need that pip does not install, and what happens when it is missing.

A test says by its mark what it needs. Where that part is missing the test is skipped, with the reason. Where the part
is named in the environment variable KAON_REQUIRE (a list with commas) the test fails instead: a machine that promises
a part, as CI does, cannot pass by skipping.

    mark       part       is there when
    spark      java       `java` (in JAVA_HOME, else on the PATH) is 17 or newer
    postgres   postgres   KAON_TEST_POSTGRES is the SQLAlchemy URL of a server that answers; tests may write there
    docker     docker     a Docker engine answers and has the image that KAON_TEST_BASE_IMAGE names, with Python 3.11
    registry   registry   Debian's docker-registry is on the PATH
    rscript    r          Rscript is on the PATH
    browser    browser    chromium is on the PATH

The mark `prefect` only selects: what such a test needs is installed with Kaon.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]

settings.register_profile("ci", derandomize=True)  # the same commit passes or fails there each time
if os.environ.get("CI"):
    settings.load_profile("ci")

signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores Ctrl-C


@cache
def missing_java() -> str | None:
    """Return why Spark cannot start here, or None if it can."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    try:
        shown = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60).stderr
    except OSError:
        return f"there is no {java!r}"
    version = re.search(r'version "(\d+)', shown)
    if version is None or int(version[1]) < 17:
        return f"{java!r} is not Java 17 or newer: {shown.partition(chr(10))[0]!r}"
    return None


@cache
def missing_postgres() -> str | None:
    """Return why no PostgreSQL server can be reached, or None if one can."""
    url = os.environ.get("KAON_TEST_POSTGRES")
    if not url:
        return "KAON_TEST_POSTGRES names no server"
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with create_engine(url, connect_args={"connect_timeout": 10}).connect():
            return None
    except (ImportError, SQLAlchemyError) as error:
        return f"the server that KAON_TEST_POSTGRES names does not answer: {error}"


@cache
def missing_docker() -> str | None:
    """Return why no container can be made, or None if one can."""
    import docker
    from docker.errors import DockerException, ImageNotFound

    image = os.environ.get("KAON_TEST_BASE_IMAGE", "python:3.11-slim")
    try:
        docker.from_env(timeout=10).images.get(image)
    except ImageNotFound:
        return f"the engine has no image {image!r}, which KAON_TEST_BASE_IMAGE names"
    except DockerException as error:
        return f"no Docker engine answers: {error}"
    return None


def missing_program(name: str) -> Callable[[], str | None]:
    """Return what says that a program is missing, or None if it is there."""
    return lambda: None if shutil.which(name) else f"{name!r} is not on the PATH"


PARTS: dict[str, tuple[str, Callable[[], str | None]]] = {
    "spark": ("java", missing_java),
    "postgres": ("postgres", missing_postgres),
    "docker": ("docker", missing_docker),
    "registry": ("registry", missing_program("docker-registry")),
    "rscript": ("r", missing_program("Rscript")),
    "browser": ("browser", missing_program("chromium")),
}


def required_parts() -> frozenset[str]:
    """Return the parts that KAON_REQUIRE says this machine has."""
    return frozenset(part.strip() for part in os.environ.get("KAON_REQUIRE", "").split(",") if part.strip())


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a misspelt part, which would let its tests be skipped."""
    known = {part for part, _ in PARTS.values()}
    if unknown := required_parts() - known:
        raise pytest.UsageError(
            f"KAON_REQUIRE names {', '.join(sorted(unknown))}, and the parts are {', '.join(sorted(known))}"
        )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose part is missing, or fail it where the part is required."""
    for mark, (part, missing) in PARTS.items():
        if item.get_closest_marker(mark) is None or (why := missing()) is None:
            continue
        if part in required_parts():
            pytest.fail(f"KAON_REQUIRE says that {part} is here, and it is not: {why}", pytrace=False)
        pytest.skip(f"needs {part}: {why}")


@pytest.fixture(autouse=True)
def kaon_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what a test's runs store away from the checkout, and a server of the caller's away from the test."""
    home = tmp_path / "kaon_home"
    monkeypatch.setenv("KAON_HOME", str(home))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return home
