"""Remove the containers of runs that died, which a daemon that was away then, or a machine that went down, has left."""

import os
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from ..owner import is_dead

if TYPE_CHECKING:
    import docker

OWNER = "kaon.owner"
"""The label that names the process that a container belongs to: host, process id, when it started."""


_left: set[str] = set()
"""Containers of this process that could not be removed, because the daemon was away."""


def leave(container: str) -> None:
    """Note that a container could not be removed: it is when the daemon is asked for the next one."""
    _left.add(container)


def reap(client: "docker.DockerClient") -> None:
    """Remove what this process had to leave, and once, the containers whose process on this machine is gone."""
    import docker

    _reap_dead(os.getpid(), client)
    while _left:
        with suppress(docker.errors.APIError):  # it is gone with the daemon's own data
            client.api.remove_container(_left.pop(), force=True)


@lru_cache(maxsize=1)
def _reap_dead(pid: int, client: "docker.DockerClient") -> None:
    import docker

    for container in client.containers.list(all=True, filters={"label": OWNER}, ignore_removed=True):
        if is_dead(container.labels[OWNER]):
            with suppress(docker.errors.APIError):  # another run removes it at this moment
                container.remove(force=True)
