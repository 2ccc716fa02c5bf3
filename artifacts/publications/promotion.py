"""Which published version serves and is champion: promoted, rolled back, stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArtifactsError, TrackingError
from ..tracking import Registry
from . import history
from .container import trial
from .engine import engine
from .golden import golden_of, replay
from .images import image_of, tag
from .lock import publishing_alone
from .publication import Publication, publication, publications
from .served import Serving, address, end, port_for, refuse_another_home, replace, unchanged

if TYPE_CHECKING:
    from docker import DockerClient

PORT = 8000


class NotPromoted(ArtifactsError):
    """A version that cannot become champion; what serves goes on serving."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """What is champion now."""

    publication: Publication
    serving: Serving | None
    """None if it is champion as a bundle alone."""
    notes: tuple[str, ...]
    """What did not go as one might expect."""


def promote(
    home: Path, name: str, version: str, *, port: int | None = None, waits: Callable[[], None] = lambda: None
) -> Promoted:
    """Make a version the champion, and let its container serve if it has an image.

    Its server is started on a free port first and must answer the golden requests; then it takes the place of what
    serves. If anything fails before that, what serves goes on, and so does the champion.

    version: or its beginning.
    port: None for the one that is served on now, else 8000.
    Raises NotPromoted, NotReady, Skew, EngineError.
    """
    with publishing_alone(home, name, waits=waits):
        return _made_champion(home, _known(home, name, version), port, "promoted")


def rollback(home: Path, name: str, *, waits: Callable[[], None] = lambda: None) -> Promoted:
    """Make the champion before the present one champion again, as `promote` does. Raises what that does."""
    with publishing_alone(home, name, waits=waits):
        line = history.champions(history.events(home, name))
        if len(line) < 2:
            raise NotPromoted(
                f"there is nothing to roll {name!r} back to",
                why=f"its history has {'one champion' if line else 'no champion'}",
                fix=f"kaon publish promote VERSION --name {name} makes any published version champion",
            )
        return _made_champion(home, _known(home, name, line[-2]), None, "rolled back")


def stop(home: Path, name: str, *, waits: Callable[[], None] = lambda: None) -> Serving | None:
    """Stop and remove the container that serves a name; return what it was, None if nothing served.

    Images, bundles and the champion stay. Raises EngineError, ServesElsewhere.
    """
    with publishing_alone(home, name, waits=waits), engine() as client:
        refuse_another_home(client, home, name)
        stopped = end(client, name)
    if stopped is not None:
        history.add_event(home, name, "stopped", stopped.version, image=stopped.image)
    return stopped


def put_in_service(
    client: DockerClient, home: Path, name: str, version: str, image: str, port: int
) -> tuple[Serving, tuple[str, ...]]:
    """Let a checked image serve on the port, or on a free one; return it and what is to be said about that.

    The caller holds the lock of the name. Raises NotReady; what served before serves again then.
    """
    chosen = port_for(client, name, port)
    told = unchanged(client, name, image, chosen) or replace(client, home, name, version, image, chosen)
    tag(client, image, name, ("champion",))
    notes = () if chosen == port else (f"port {port} is in use by another program: it serves on {chosen} instead",)
    return told, notes


def _made_champion(home: Path, wanted: Publication, port: int | None, what: history.What) -> Promoted:
    name, version = wanted.name, wanted.version
    served, notes = _served_by_container(home, wanted, port)
    try:
        registry = Registry(home=home)
        number = registry.version_of(name, wanted.bundle)
        if number is None:
            number = registry.register_bundle(name, wanted.bundle, tags={"kaon.version": version})
        registry.set_alias(name, number, "champion")
    except TrackingError as error:
        notes = (*notes, f"the alias champion was not moved: {error.problem}: {error.why}")
    image, url = (served.image, served.url) if served else ("", "")
    history.add_event(home, name, what, version, image=image, url=url)
    return Promoted(_known(home, name, version), served, notes)


def _served_by_container(home: Path, wanted: Publication, port: int | None) -> tuple[Serving | None, tuple[str, ...]]:
    """Let the version's image serve; None for a name that was only ever published as bundles."""
    name, version = wanted.name, wanted.version
    happened = history.events(home, name)
    if not any(event.image for event in happened):
        return None, ("it is champion as a bundle: no version of it was published as an image",)
    last = next((address(event.url) for event in reversed(happened) if event.url), PORT)
    with engine() as client:
        refuse_another_home(client, home, name)
        image = image_of(client, name, version)
        if image is None:
            raise NotPromoted(
                f"version {version} of {name!r} has no image here",
                why="it was published as a bundle alone, or its image was removed",
                fix=f"kaon publish promote {version} --name {name} builds it",
            )
        with trial(client, image.id, name, version) as url:
            replay(url, golden_of(wanted.bundle))
        return put_in_service(client, home, name, version, image.id, port or last)


def _known(home: Path, name: str, version: str) -> Publication:
    found = publication(home, name, version)
    if found is None:
        others = [one.version for one in publications(home) if one.name == name]
        raise NotPromoted(
            f"there is no one published version {version!r} of {name!r}",
            why=f"published are {', '.join(others)}" if others else "nothing of that name is published",
            fix="kaon publish list shows what there is",
        )
    if found.state == "refused":
        raise NotPromoted(
            f"version {found.version} of {name!r} was refused when it was published",
            why="; ".join(found.reasons),
            fix="mend that and publish it again: kaon run recommendations --force publish",
        )
    return found
