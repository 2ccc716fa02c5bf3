"""What is known of a publication."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .publishing.shipment import Shipment


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was published, where, and how good it is."""

    name: str
    version: str
    bundle: str
    """The bundle's folder."""
    state: str
    """published, or already published: what it holds makes its version."""
    validated: bool
    reasons: tuple[str, ...]
    """Why it is not validated or not registered; empty if all went well."""
    aliases: tuple[str, ...]
    """Of the registry: challenger, and champion once validated."""
    registry_version: int | None
    metrics: Mapping[str, float]
    files: Mapping[str, str]
    """The digest of every file."""
    shipment: Shipment = field(default_factory=lambda: Shipment("bundle"))
    """The image and its container, or why there is none."""
