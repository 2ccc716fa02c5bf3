"""A setting that is a path stands for what lies there: the step runs again when the files change."""

from pathlib import Path
from typing import Any

from kaon.artifacts import Digest, digest_stream, digest_value

from ..kinds import storable


def is_path(annotation: Any) -> bool:
    """Return whether values of the type are paths of files or folders."""
    annotation = storable(annotation)
    return isinstance(annotation, type) and issubclass(annotation, Path)


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
