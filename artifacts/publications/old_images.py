"""Images of publications that nobody will ask for again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from . import history, labels
from .engine import engine
from .images import Published, forget, images_of

KEPT = 3
"""Versions whose images stay although they are neither champion nor challenger: the newest."""


def old_images(home: Path) -> tuple[Published, ...]:
    """Return the images of this home's models that are neither champion nor challenger, not among the newest, and idle.

    What never passed its checks counts as old at once; an image that a container uses is never old.
    Raises EngineError.
    """
    found: list[Published] = []
    with engine() as client:
        used = {str(container.attrs["Image"]) for container in client.containers.list(all=True)}
        for name in _names(home):
            images = [image for image in images_of(client, name) if image.id not in used]
            found += _old(name, images, history.champions(history.events(home, name))[-2:])
    return tuple(found)


def forget_images(images: tuple[Published, ...]) -> Iterator[Published]:
    """Remove images, and yield each that is gone. Raises EngineError."""
    with engine() as client:
        for image in images:
            forget(client, image)
            yield image


def _old(name: str, images: list[Published], wanted: tuple[str, ...]) -> Iterator[Published]:
    """Yield the old ones of a name's images, which come the newest first."""
    kept = 0
    for image in images:
        tags = {tag.rpartition(":")[2] for tag in image.tags}
        if not image.tags:
            yield image
        elif not tags & {"champion", "challenger"} and image.version not in wanted:
            kept += 1
            if kept > KEPT:
                yield image


def _names(home: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (home / "publications").glob("*.jsonl")))


def described(image: Published) -> Mapping[str, object]:
    """Return what a command prints of an image."""
    return {"image": image.id, "name": image.marks.get(labels.NAME, ""), "version": image.version, "bytes": image.size}
