"""An artifact and its bytes, as viewers read them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..artifact import Artifact
from ..digest import Digest
from ..home import renew
from ..kinds.source import cache_folder, local_path
from ..store import Store


class Opened:
    """An artifact to read: as a value, or as a local file of which a viewer may read a part."""

    def __init__(self, store: Store, artifact: Artifact) -> None:
        self.artifact = artifact
        self.store = store

    @cached_property
    def value(self) -> Any:
        """The value in its kind's plainest form, whole in memory. Raises CorruptArtifact, MissingBlob, NoKind."""
        return self.store.get(self.artifact)

    @cached_property
    def path(self) -> Path:
        """A file with the artifact's bytes, checked. Raises CorruptArtifact, MissingBlob.

        A blob that was checked and whose file has not changed since is not read again: a page of a large table must not
        cost reading all of it.
        """
        key = self.store.url, self.artifact.digest
        known = CHECKED.get(key)
        if known is not None and known.still_there():
            return known.path
        with self.store.open(self.artifact) as source:
            path = local_path(source)
        CHECKED[key] = _Checked.now(path)
        while len(CHECKED) > REMEMBERED:
            CHECKED.pop(next(iter(CHECKED)), None)
        return path

    def cached(self, name: str) -> Path:
        """Return where something that can be made again from the artifact is kept, by its digest and this name.

        The folder exists, the file perhaps not yet; `kaon gc` removes what nobody has asked for of late.
        """
        folder = cache_folder("views") / self.artifact.digest.removeprefix("sha256:")
        folder.mkdir(exist_ok=True)
        renew(folder)
        return folder / name


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file as it was when its bytes had their digest."""

    path: Path
    seen: tuple[int, int, int]

    @classmethod
    def now(cls, path: Path) -> _Checked:
        return cls(path, _seen(path))

    def still_there(self) -> bool:
        try:
            return _seen(self.path) == self.seen
        except OSError:
            return False


def _seen(path: Path) -> tuple[int, int, int]:
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns


REMEMBERED = 4096
CHECKED: dict[tuple[str, Digest], _Checked] = {}
"""What this process has read whole, so that it need not again: by the store and the digest."""
