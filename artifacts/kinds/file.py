"""A file of any format."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..digest import CHUNK
from ..errors import NotStorable
from ..json_form import Json
from .annotations import is_a, is_anything, refused, unreadable
from .source import local_path


@dataclass(frozen=True, slots=True)
class File:
    """A file as a value: its bytes count, its name does not. What the store gives back is read-only."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    def __fspath__(self) -> str:
        return str(self.path)


class FileKind:
    """A file's bytes as they are; the name is in the summary."""

    name = "file"

    def accepts(self, annotation: object) -> bool:
        return is_a(annotation, "kaon", "File")

    def dump(self, value: File, to: BinaryIO) -> None:
        with _checked(value).open("rb") as source:
            shutil.copyfileobj(source, to, CHUNK)

    def load(self, source: BinaryIO, wanted: object) -> File:
        if not (is_anything(wanted) or self.accepts(wanted)):
            raise unreadable(self.name, wanted, "File")
        return File(local_path(source))

    def summary(self, value: File) -> dict[str, Json]:
        return {"file": value.path.name, "bytes": os.path.getsize(_checked(value))}


def _checked(value: object) -> Path:
    if not isinstance(value, File):
        raise refused(value, "file", "File(path)")
    if not value.path.is_file():
        raise NotStorable(
            f"there is no file {str(value.path)!r}",
            why="the step returned File(path) with it",
            fix="write it before returning, and return its path",
        )
    return value.path
