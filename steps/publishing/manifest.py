"""What a bundle's manifest says about its publication."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from kaon.artifacts import Json
from kaon.artifacts.trouble import writing

MANIFEST = "manifest.json"


def manifest_of(bundle: Path) -> Mapping[str, Json]:
    """Return the manifest of a bundle's folder."""
    told: Mapping[str, Json] = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    return told


def set_state(bundle: Path, state: str, reasons: Sequence[str]) -> None:
    """Let the manifest say what the bundle is now: validated, not validated or refused, and why."""
    told = manifest_of(bundle)
    if (told.get("state"), told.get("reasons")) == (state, list(reasons)):
        return
    partial = bundle.parent / f".{bundle.name}-{os.getpid()}.json"
    with writing(partial):
        partial.write_text(
            json.dumps({**told, "state": state, "reasons": list(reasons)}, indent=1, ensure_ascii=False), "utf-8"
        )
        partial.replace(bundle / MANIFEST)
