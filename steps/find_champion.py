"""Which published model is champion at this moment."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import Field

from kaon.artifacts import ArtifactsError, kaon_home
from kaon.artifacts.tracking import Registry
from kaon.dsl import current_step, step

from .champion import Champion

MANIFEST = "manifest.json"

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


@step(output="champion", reusable=False)
def find_champion(
    *, name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")] = "recommendations"
) -> Champion:
    """Return the champion: what the registry calls so, else the bundle here that was validated last.

    It looks anew in every run, and what is judged against the champion runs again only if it is another one.

    name: of the model in the registry and of the folder of its versions, as in publish.
    """
    bundles = kaon_home() / "bundles" / name
    champion = (_registered(name) or _validated_last(bundles)) if bundles.is_dir() else None
    champion = champion or Champion("", "", f"nothing of the name {name!r} was validated before")
    current_step().log(f"champion {champion.version or 'none'}: {champion.found}")
    return champion


def _registered(name: str) -> Champion | None:
    """Return what the registry's alias names, if it answers and the bundle is still there."""
    try:
        registry = Registry()
        version = registry.aliases(name).get("champion")
        folder = registry.bundle(name, version) if version is not None else None
    except ArtifactsError as error:
        current_step().log(f"the registry does not say who is champion: {error}")
        return None
    if folder is None or not (folder / MANIFEST).is_file():
        return None
    return Champion(folder.name, str(folder), "the registry's alias champion")


def _validated_last(folder: Path) -> Champion | None:
    """Return the newest validated bundle of a folder of versions."""
    found = []
    for manifest in folder.glob(f"[!.]*/{MANIFEST}"):
        told = json.loads(manifest.read_text(encoding="utf-8"))
        if told.get("state") == "validated":
            found.append((str(told.get("created", "")), manifest.parent))
    if not found:
        return None
    _, newest = max(found)
    return Champion(newest.name, str(newest), "the bundle here that was validated last")
