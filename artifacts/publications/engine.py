"""The Docker engine that publications live on, and its failures as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import ArtifactsError

if TYPE_CHECKING:
    from docker import DockerClient

PATIENCE = 600.0
"""Seconds that the engine may take for one answer; a build answers with every line that it prints."""


class EngineError(ArtifactsError):
    """The Docker engine does not answer, went away in the middle, or refuses."""


class NoEngine(EngineError):
    """No Docker engine answers."""


@contextmanager
def engine(timeout: float = PATIENCE) -> Iterator[DockerClient]:
    """Yield a client of the engine that DOCKER_HOST names, else of the machine's, which answered. Raises EngineError.

    What the engine refuses or fails in while the block runs is raised as EngineError too.
    """
    import docker
    import requests
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=timeout)
    except DockerException as error:
        raise no_engine(error) from error
    try:
        try:
            client.ping()
        except (DockerException, requests.RequestException) as error:
            raise no_engine(error) from error
        with as_engine_errors():
            yield client
    finally:
        client.close()


@contextmanager
def as_engine_errors() -> Iterator[None]:
    """Turn what the Docker SDK raises into EngineError."""
    import requests
    import urllib3
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        raise refused(str(error.explanation or error)) from error
    except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise went_away(_short(error)) from error


def no_engine(error: Exception) -> NoEngine:
    """Return the error for an engine that does not answer at all."""
    return NoEngine(
        "no Docker engine answers",
        why=_short(error),
        fix="start Docker and see that this user may use it (docker ps), or publish the bundle alone: "
        "publish.publisher=bundle",
    )


def went_away(why: str) -> EngineError:
    """Return the error for an engine that answered before."""
    return EngineError(
        "the Docker engine went away in the middle",
        why=why,
        fix="start Docker again (docker info says whether it is up), then do the same again: it goes on from there",
    )


def refused(why: str) -> EngineError:
    """Return the error for something that the engine does not do."""
    if "no space left" in why.lower():
        fix = "free some space: `docker system df` shows what Docker holds, `kaon gc --images` drops old publications"
        return EngineError("Docker has no space left", why=why, fix=fix)
    return EngineError("the Docker engine refuses", why=why, fix="mend that, then do the same again")


def answers() -> str | None:
    """Return why no Docker engine answers, None if one does."""
    try:
        with engine(timeout=10):
            return None
    except EngineError as error:
        return f"{error.problem}: {error.why}"


def _short(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
