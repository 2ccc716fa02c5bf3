"""What serves a model at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArtifactsError
from ..ports import LOOPBACK, free_port, port_is_free
from . import labels
from .container import DRAINED_WITHIN, NotReady, create, readiness, started, url_of
from .engine import EngineError, engine

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

ASIDE = "-previous"
"""Ending of the name of the container that is replaced, until the new one serves."""


class ServesElsewhere(ArtifactsError):
    """The container that serves the name belongs to another home."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A container that serves a model."""

    name: str
    version: str
    image: str
    container: str
    """Its name, `kaon-serving-NAME`."""
    state: str
    """As Docker says: running, exited, …"""
    url: str
    """Empty while it does not run."""
    home: str
    """The home folder that it was published from."""
    ready: bool


def serving(name: str) -> Serving | None:
    """Return what serves a model on this machine; None if nothing does, or no Docker engine answers."""
    try:
        with engine(timeout=10) as client:
            container = _found(client, labels.container_name(name))
            return None if container is None else _told(container)
    except EngineError:
        return None


def refuse_another_home(client: DockerClient, home: Path, name: str) -> None:
    """Raise ServesElsewhere if what serves the name was published from another home folder."""
    container = _found(client, labels.container_name(name))
    if container is not None and (other := container.labels.get(labels.HOME, "")) != str(home):
        raise ServesElsewhere(
            f"the container {container.name!r} serves {name!r} from another home",
            where=other or "(its labels do not say which)",
            why="a machine has one serving container for each name of a model",
            fix=f"publish under another name (publish.name=…), or end that one: docker rm -f {container.name}",
        )


def port_for(client: DockerClient, name: str, wanted: int) -> int:
    """Return the port to serve on: the wanted one if it is free or ours, else any free one."""
    container = _found(client, labels.container_name(name))
    ours = "" if container is None else url_of(container)
    return wanted if ours.endswith(f":{wanted}") or port_is_free(wanted) else free_port()


def unchanged(client: DockerClient, name: str, image: str, port: int) -> Serving | None:
    """Return what serves the name if it is this image, ready, on this port, and no replacement is under way."""
    if _found(client, labels.container_name(name) + ASIDE) is not None:
        return None
    container = _found(client, labels.container_name(name))
    told = None if container is None else _told(container)
    return told if told and told.ready and told.image == image and address(told.url) == port else None


def replace(client: DockerClient, home: Path, name: str, version: str, image: str, port: int) -> Serving:
    """Let the image serve the name on the port in place of what does now, and return it once it is ready.

    What serves now is given time to answer what it was asked, and serves again if the new one does not become ready.
    Raises NotReady then.
    """
    restore(client, name)
    old = _found(client, labels.container_name(name))
    if old is not None:
        old.rename(labels.container_name(name) + ASIDE)
        old.stop(timeout=DRAINED_WITHIN)
    marks = {labels.NAME: name, labels.VERSION: version, labels.ROLE: "serving", labels.HOME: str(home)}
    try:
        new = create(client, image, labels.container_name(name), marks, port)
        started(new)
    except BaseException:
        restore(client, name)
        raise
    if old is not None:
        old.remove(force=True)
    return _told(new)


def restore(client: DockerClient, name: str) -> None:
    """Bring back what served the name before a replacement that did not end; do nothing if none is under way."""
    new, old = (_found(client, labels.container_name(name) + ending) for ending in ("", ASIDE))
    if old is None:
        return
    if new is not None:
        new.remove(force=True)
    old.rename(labels.container_name(name))
    old.start()
    try:
        started(old)
    except NotReady as error:
        error.add_note(f"neither does the one that served before: docker logs {labels.container_name(name)}")
        raise


def end(client: DockerClient, name: str) -> Serving | None:
    """Stop and remove what serves the name, and return what it was."""
    told = None
    for ending in ("", ASIDE):
        container = _found(client, labels.container_name(name) + ending)
        if container is not None:
            told = told or _told(container)
            container.stop(timeout=DRAINED_WITHIN)
            container.remove(force=True)
    return told


def _found(client: DockerClient, name: str) -> Container | None:
    from docker.errors import NotFound

    try:
        return client.containers.get(name)
    except NotFound:
        return None


def _told(container: Container) -> Serving:
    container.reload()
    url = url_of(container) if container.status == "running" else ""
    marks = container.labels
    return Serving(
        name=marks.get(labels.NAME, ""),
        version=marks.get(labels.VERSION, ""),
        image=str(container.attrs["Image"]),
        container=str(container.name),
        state=str(container.status),
        url=url,
        home=marks.get(labels.HOME, ""),
        ready=bool(url) and readiness(url)[0] == 200,
    )


def address(url: str) -> int:
    """Return the port of a URL on loopback, 0 for none.

    >>> address("http://127.0.0.1:8000")
    8000
    """
    port = url.removeprefix(f"http://{LOOPBACK}:")
    return int(port) if port.isdigit() else 0
