"""Every published version of every model: the bundles of a home, and what registry, history and Docker say of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..digest import Digest
from ..errors import TrackingError
from ..json_form import Json
from ..tracking import Registry
from . import history, labels
from .engine import EngineError, engine
from .images import images_of
from .served import Serving, serving

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Publication:
    """One version of a published model."""

    name: str
    version: str
    bundle: Path
    """The bundle's folder."""
    run: int | None
    state: str
    """`validated`, `not validated`, or `refused`: its server did not pass the checks."""
    reasons: tuple[str, ...]
    """Why it is not validated or was refused."""
    created: str
    """ISO 8601, UTC."""
    metrics: Mapping[str, Json]
    aliases: tuple[str, ...]
    """`challenger`, `champion`, or what else the registry says."""
    image: Digest | None
    """The image's id if it was published as one that passed its checks."""
    url: str
    """Where its container listens, empty if it does not serve."""


def publications(home: Path) -> tuple[Publication, ...]:
    """Return every published version below a home folder, the newest first.

    Registry and Docker are asked once for each name; where one does not answer, the history says what was last known.
    """
    manifests: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted((home / "bundles").glob(f"[!.]*/[!.]*/{MANIFEST}")):  # hidden: a bundle that is being written
        manifests.setdefault(path.parts[-3], {})[path.parts[-2]] = {**_manifest(path), "folder": path.parent}
    found = [one for name, versions in manifests.items() for one in _of_name(home, name, versions)]
    return tuple(sorted(found, key=lambda one: one.created, reverse=True))


def publication(home: Path, name: str, version: str) -> Publication | None:
    """Return one published version, by the beginning of its version if that is enough; None if there is no such one."""
    found = [one for one in publications(home) if one.name == name and one.version.startswith(version)]
    return next((one for one in found if one.version == version), found[0] if len(found) == 1 else None)


def _manifest(path: Path) -> Mapping[str, Any]:
    """Return what a bundle says of itself; of one that cannot be read, that it is refused and why."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(said, dict):
            return said
        trouble = "it is no JSON object"
    except (OSError, ValueError) as error:
        trouble = str(error)
    return {"state": "refused", "reasons": [f"its {MANIFEST} cannot be read: {trouble}; publish it again"]}


def _of_name(home: Path, name: str, manifests: Mapping[str, Mapping[str, Any]]) -> list[Publication]:
    happened = history.events(home, name)
    aliases = _aliases(home, name, happened)
    images = _images(name, happened)
    served = serving(name)
    return [
        Publication(
            name=name,
            version=version,
            bundle=manifest["folder"],
            run=manifest.get("run"),
            state=str(manifest.get("state", "")),
            reasons=tuple(manifest.get("reasons", ())),
            created=str(manifest.get("created", "")),
            metrics=dict(manifest.get("metrics", {})),
            aliases=tuple(sorted(alias for alias, of in aliases.items() if of == version)),
            image=images.get(version),
            url=_url(served, home, version),
        )
        for version, manifest in manifests.items()
    ]


def _aliases(home: Path, name: str, happened: tuple[history.Event, ...]) -> dict[str, str]:
    """Return the version that each alias names."""
    try:
        registry = Registry(home=home)
        if not registry.is_there:
            return {}
        return {alias: registry.bundle(name, number).name for alias, number in registry.aliases(name).items()}
    except TrackingError:
        line = history.champions(happened)
        return {"champion": line[-1]} if line else {}


def _images(name: str, happened: tuple[history.Event, ...]) -> dict[str, Digest]:
    """Return the id of the image of each version that passed its checks."""
    try:
        with engine(timeout=10) as client:
            found = images_of(client, name)
    except EngineError:
        return {event.version: Digest(event.image) for event in happened if event.image}
    tagged = {image.version: image for image in reversed(found)}
    return {
        version: Digest(image.id)
        for version, image in tagged.items()
        if f"{labels.repository(name)}:{version}" in image.tags
    }


def _url(served: Serving | None, home: Path, version: str) -> str:
    return served.url if served and served.home == str(home) and served.version == version else ""
