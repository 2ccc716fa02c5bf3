"""The stream that a kind loads from, and its bytes as a local file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from ..digest import CHUNK, digest_stream, holds
from ..home import cache, renew


def local_path(source: BinaryIO) -> Path:
    """Return a file that holds the stream's bytes and stays: the blob itself where it is one, else a cached copy."""
    name = getattr(source, "name", None)
    if isinstance(name, (str, Path)) and os.path.isfile(name):
        return Path(name)
    source.seek(0)
    digest = digest_stream(source)
    target = cache_folder("files") / digest.removeprefix("sha256:")
    renew(target)
    if not holds(target, digest):
        source.seek(0)
        _copy(source, target)
    return target


def cache_folder(part: str) -> Path:
    """Return the folder for what can be made again from the store."""
    folder = cache() / part
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _copy(source: BinaryIO, target: Path) -> None:
    handle, temporary = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(handle, "wb") as file:
        while chunk := source.read(CHUNK):
            file.write(chunk)
    os.chmod(temporary, 0o444)
    os.replace(temporary, target)
