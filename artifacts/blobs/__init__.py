"""Immutable bytes, found by their digest."""

from __future__ import annotations

from pathlib import Path

from .blobs import Blobs, Use, Written
from .local import LocalBlobs

__all__ = ["Blobs", "LocalBlobs", "Use", "Written", "open_blobs"]


def open_blobs(url: str | Path) -> Blobs:
    """Return the blobs below a local folder, or below a URL that fsspec knows (`memory://`, `s3://…`, `gs://…`)."""
    text = str(url)
    if "://" not in text:
        return LocalBlobs(Path(text))
    if text.startswith("file://"):
        return LocalBlobs(Path(text.removeprefix("file://")))
    from .remote import RemoteBlobs

    return RemoteBlobs.at(text)
