"""What the pages of one artifact have in common: the artifact, its run, and the artifact to compare it with."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request

from ..artifact import Artifact
from ..json_form import Json
from ..records.history import history
from ..viewers import Opened
from ..viewers.said import said
from .site import site_of

BEFORE = 20
"""Runs that are looked through for an earlier value."""


def opened_of(request: Request, artifact_id: int) -> Opened:
    """Return the artifact of this number, to be read. Raises UnknownRecord."""
    store = site_of(request).store
    return Opened(store, store.records.artifact(min(artifact_id, (1 << 63) - 1)))


def head(request: Request, artifact: Artifact, tab: str) -> Mapping[str, object]:
    """Return what the head of an artifact's pages tells."""
    records = site_of(request).store.records
    past = history(records.database, artifact, runs_at_most=BEFORE)
    earlier = [one.artifact for one in past if one.artifact and one.artifact.id < artifact.id]
    return {
        "artifact": artifact,
        "workflow": records.run(artifact.run).workflow,
        "earlier": earlier[-1] if earlier else None,
        "tab": tab,
    }


def brief(summary: Mapping[str, Json]) -> str:
    """Return the first facts of a summary on one line.

    >>> brief({"rows": 1500, "columns": 2, "schema": {"a": "int64"}})
    'rows 1,500, columns 2'
    """
    plain = [
        (name, fact) for name, fact in summary.items() if fact is not None and not isinstance(fact, (Mapping, list))
    ]
    line = ", ".join(f"{name} {said(fact)}" for name, fact in plain[:3])
    return line if len(line) <= 60 else f"{line[:59]}…"
