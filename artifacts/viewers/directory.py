"""Folders of files, listed from the archive that holds them; nothing is unpacked."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from ..amounts import size as size_said
from ..artifact import Artifact
from ..errors import UnknownRecord
from .blocks import Block, FileEntry, Files, facts
from .opened import Opened

MOST = 2000
"""Files that are listed."""


class DirectoryViewer:
    """Every file with its size, to be downloaded alone."""

    name = "directory"
    title = "Folder"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "directory" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        with tarfile.open(opened.path, "r:") as archive:
            entries = [FileEntry(entry.name, entry.size) for entry in archive if entry.isfile()]
        size = sum(entry.size for entry in entries)
        told = facts({"files": len(entries), "size": size_said(size)})
        return [told, Files(tuple(entries[:MOST]), left_out=max(0, len(entries) - MOST))]


@contextmanager
def file_of(opened: Opened, path: str) -> Iterator[tuple[IO[bytes], int]]:
    """Yield one file of a stored folder and its size. Raises UnknownRecord for what is no file in it.

    Only names that the archive lists are ever compared with `path`: nothing outside can be reached.
    """
    with tarfile.open(opened.path, "r:") as archive:
        for entry in archive:
            if entry.isfile() and entry.name == path:
                content = archive.extractfile(entry)
                assert content is not None, "a plain file has content"
                with content:
                    yield content, entry.size
                return
    raise UnknownRecord(f"the folder has no file {path!r}", fix="its page lists every file that it has")
