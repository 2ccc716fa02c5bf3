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


def reap_once(client: "docker.DockerClient") -> None:
    """Remove the containers whose process on this machine is gone; a second call in this process does nothing."""
    _reap(os.getpid(), client)


@lru_cache(maxsize=1)
def _reap(pid: int, client: "docker.DockerClient") -> None:
    import docker

    for container in client.containers.list(all=True, filters={"label": OWNER}, ignore_removed=True):
        if is_dead(container.labels[OWNER]):
            with suppress(docker.errors.APIError):  # another run removes it at this moment
                container.remove(force=True)
