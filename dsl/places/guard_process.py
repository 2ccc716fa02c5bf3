"""The watcher: ends groups of processes, containers and folders of a process that died. Run as a script.

It is told in lines of JSON what there is, and acts when its input ends or its parent is gone.
"""

import json
import os
import select
import shutil
import signal
import sys
from collections import Counter
from contextlib import suppress

LOOK = 1.0
"""Seconds between two looks at whether the parent is there: a fork of it may hold the other end of the pipe open."""


def main(parent: int) -> None:
    """Read what to watch over until the parent is gone, and end what is left of it."""
    watched: Counter[tuple[str, str]] = Counter()
    rest = b""
    while True:
        gone = os.getppid() != parent  # perhaps before this process could begin: what was said is still to be read
        if not select.select([0], [], [], 0 if gone else LOOK)[0]:
            if gone:
                break
            continue
        raw = os.read(0, 1 << 16)
        if not raw:
            break
        *lines, rest = (rest + raw).split(b"\n")
        for line in lines:
            verb, kind, name = json.loads(line)
            watched[kind, str(name)] += 1 if verb == "watch" else -1
    for kind, name in sorted(+watched, reverse=True):  # what was started before the folders that it uses
        end(kind, name)


def end(kind: str, name: str) -> None:
    """End one thing that is left."""
    if kind == "group":
        with suppress(OSError):
            os.killpg(int(name), signal.SIGKILL)
    elif kind == "owner":
        import docker

        with suppress(docker.errors.DockerException):  # no daemon: its containers ended with it
            for container in docker.from_env().containers.list(all=True, filters={"label": f"kaon.owner={name}"}):
                container.remove(force=True)
    else:
        shutil.rmtree(name, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
