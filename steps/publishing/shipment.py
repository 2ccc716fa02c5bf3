"""How a bundle is to be published, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Publisher = Literal["auto", "docker", "bundle"]
"""In a container, as a bundle alone, or in a container where this machine can make one."""


@dataclass(frozen=True, slots=True)
class Shipping:
    """Where a bundle is to be published."""

    publisher: Publisher = "auto"
    base_image: str = ""
    """Empty for KAON_BASE_IMAGE, else the official image of this Python."""
    registry: str = ""
    """Host and port that images are pushed to; empty for none."""
    port: int = 8000
    """The champion serves on this port of loopback."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked at before anybody was served."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True, slots=True)
class Shipment:
    """What came of publishing a bundle as an image."""

    published_as: Literal["image", "bundle"]
    existed: bool = False
    """The image was made before, of the same bundle, code, packages and base image."""
    image: str = ""
    """Its id."""
    digest: str = ""
    """What the registry knows it by; empty where it was not pushed."""
    tags: tuple[str, ...] = ()
    size: int = 0
    """Bytes, the base image included."""
    url: str = ""
    """Where the container of a champion serves."""
    container: str = ""
    checks: tuple[Check, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    """What each stage took."""
    notes: tuple[str, ...] = ()
    """What did not go as one might expect."""
