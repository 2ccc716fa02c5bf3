"""The images of publications that the engine has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import labels

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image


@dataclass(frozen=True, slots=True)
class Published:
    """An image of a publication."""

    id: str
    """`sha256:…` of its configuration, which names its layers."""
    tags: tuple[str, ...]
    size: int
    """Bytes of all its layers, those of the base image included."""
    marks: Mapping[str, str]
    created: str

    @property
    def version(self) -> str:
        """The version of the bundle inside."""
        return self.marks.get(labels.VERSION, "")


def images_of(client: DockerClient, name: str) -> tuple[Published, ...]:
    """Return the images of a name, the newest first; one that was built but never passed its checks has no tag."""
    found = client.images.list(filters={"label": f"{labels.NAME}={name}"})
    return tuple(sorted((_published(image) for image in found), key=lambda image: image.created, reverse=True))


def image_of(client: DockerClient, name: str, version: str) -> Published | None:
    """Return the newest image of a version that passed its checks, None if there is none."""
    wanted = f"{labels.repository(name)}:{version}"
    return next((image for image in images_of(client, name) if wanted in image.tags), None)


def tag(client: DockerClient, image: str, name: str, names: tuple[str, ...], registry: str = "") -> tuple[str, ...]:
    """Give the image tags such as the version, `challenger` or `champion`, and return them in full."""
    made = []
    for where in filter(None, (labels.repository(name), registry and f"{registry}/{labels.repository(name)}")):
        for one in names:
            client.api.tag(image, where, one, force=True)
            made.append(f"{where}:{one}")
    return tuple(made)


def forget(client: DockerClient, image: Published) -> None:
    """Remove an image with all its tags."""
    for name in image.tags:
        client.images.remove(name)
    if not image.tags:
        client.images.remove(image.id)


def _published(image: Image) -> Published:
    attrs = image.attrs
    return Published(
        str(image.id), tuple(sorted(image.tags)), int(attrs["Size"]), dict(image.labels), str(attrs["Created"])
    )
