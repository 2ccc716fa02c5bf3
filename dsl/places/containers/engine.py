"""The Docker daemon: found, or the reason why it does not answer; and the images that it has."""

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from ..errors import PlaceError

if TYPE_CHECKING:
    import docker

AT_ONCE = 64
"""Connections to the daemon that are kept: each container needs two."""
PATIENCE = 120
"""Seconds for an answer of the daemon."""


def engine() -> "docker.DockerClient":
    """Return a client of the daemon that DOCKER_HOST names, or the usual one. Raises PlaceError if none answers."""
    return _engine(os.getpid(), os.environ.get("DOCKER_HOST", ""))


@lru_cache(maxsize=4)
def _engine(pid: int, host: str) -> "docker.DockerClient":
    import docker

    try:
        client = docker.from_env(timeout=PATIENCE, max_pool_size=AT_ONCE)
        client.ping()
        return client
    except docker.errors.DockerException as error:
        raise unreachable(error) from error


def unreachable(error: Exception) -> PlaceError:
    """Return the error for a daemon that does not answer."""
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    return PlaceError(
        "no Docker daemon answers",
        why=f"at {host}: {error}",
        fix="start it (systemctl start docker), let this user speak to it (the group docker), or set DOCKER_HOST",
    )


def is_rootless(client: "docker.DockerClient") -> bool:
    """Return whether root in its containers is the user that runs the daemon."""
    return any("rootless" in option for option in _options(client))


@lru_cache(maxsize=4)
def _options(client: "docker.DockerClient") -> tuple[str, ...]:
    return tuple(client.info().get("SecurityOptions") or ())


def ensure_image(client: "docker.DockerClient", image: str, pull: Literal["missing", "always", "never"]) -> None:
    """Have the image on the daemon. Raises PlaceError if it is not there and cannot be pulled."""
    import docker

    if pull != "always":
        try:
            client.images.get(image)
            return
        except docker.errors.ImageNotFound:
            pass
    if pull == "never":
        raise PlaceError(
            f"the image {image!r} is not here",
            why="the daemon does not have it, and pull='never'",
            fix=f"docker pull {image}, docker build -t {image} …, or pull='missing'",
        )
    try:
        client.images.pull(image, **({} if ":" in image.rpartition("/")[2] or "@" in image else {"tag": "latest"}))
    except docker.errors.APIError as error:
        raise PlaceError(
            f"the image {image!r} is not here",
            why=f"the daemon does not have it, and cannot pull it: {said_by(error)}",
            fix=f"see whether the name is right and the registry can be reached; or docker build -t {image} …",
        ) from error


def said_by(error: Any) -> str:
    """Return what the daemon said, in its own words."""
    return str(error.explanation or error)
