"""The name of a process among all that ever ran, on all machines: a label for what it starts elsewhere."""

import os
import socket
from functools import lru_cache


def owner() -> str:
    """Return the name of this process: host, process id and when it started.

    >>> len(owner().split("/"))
    3
    """
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Return whether a process of this machine is gone; of others nothing is known."""
    import psutil

    host, pid, started = owner.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    try:
        return int(psutil.Process(int(pid)).create_time()) != int(started)
    except psutil.NoSuchProcess:
        return True


@lru_cache(maxsize=1)
def _started(pid: int) -> int:
    import psutil

    return int(psutil.Process(pid).create_time())
