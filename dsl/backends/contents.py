"""Which inputs of a step name files."""

from pathlib import Path
from typing import Any

from ..kinds import storable


def is_path(annotation: Any) -> bool:
    """Return whether values of the type are paths of files or folders."""
    annotation = storable(annotation)
    return isinstance(annotation, type) and issubclass(annotation, Path)
