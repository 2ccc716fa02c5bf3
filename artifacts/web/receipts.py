"""The receipts of published versions: artifacts in which their runs say what was published, and how it was checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import StoreError
from ..publications import Publication
from ..records.search import Wanted, search
from ..store import Store

LARGEST = 1 << 20
"""Bytes of a receipt that is read."""
NEWEST = 20
"""Versions whose receipts are looked for."""


def receipts(store: Store, versions: Iterable[Publication]) -> dict[str, int]:
    """Return the numbers of the artifacts that are receipts of these versions, as far as this store has them.

    A bundle may come from another home, whose runs have the same numbers: a receipt must name the version.
    """
    found: dict[str, int] = {}
    for one in list(versions)[:NEWEST]:
        if one.run is None:
            continue
        wanted = Wanted(name="receipt", kind="json", run=one.run)
        for artifact in search(store.records.database, wanted, limit=3):
            if artifact.size <= LARGEST and _version(store, artifact.id) == one.version:
                found[one.version] = artifact.id
    return found


def _version(store: Store, artifact: int) -> object:
    try:
        value = store.get(store.records.artifact(artifact))
    except StoreError:  # its own page tells what is wrong with it
        return None
    return value.get("version") if isinstance(value, Mapping) else None
