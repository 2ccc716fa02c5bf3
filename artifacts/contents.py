"""A setting that is a path stands for what lies there: the step runs again when the files change."""

from __future__ import annotations

from pathlib import Path

from .digest import Digest, digest_stream, digest_value


def contents_digest(path: Path) -> Digest:
    """Return the digest of a file, or of the names and contents of all files below a folder.

    A path where nothing is has a digest too; that it is missing is for the step to say.
    """
    if path.is_dir():
        files = sorted(inner for inner in path.rglob("*") if inner.is_file())
        return digest_value([[str(inner.relative_to(path)), contents_digest(inner)] for inner in files])
    if path.is_file():
        with path.open("rb") as file:
            return digest_stream(file)
    return digest_value(["nothing at", str(path)])


def contents_within(path: Path, folder: Path, most: int) -> Digest | None:
    """Return the digest of what a path names, seen from a folder; None if it has more than `most` bytes."""
    place = folder / path
    if not place.exists():
        return contents_digest(path) if not path.exists() else None
    size = 0
    for inner in place.rglob("*") if place.is_dir() else (place,):
        size += inner.stat().st_size
        if size > most:
            return None
    return contents_digest(place)
