"""What Docker gets to build an image from: one archive that depends on nothing but its content."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from kaon.artifacts import Digest, digest_bytes, digest_stream, digest_value
from kaon.artifacts.trouble import writing


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that an image is made from."""

    base: Digest
    """The base image's id."""
    dockerfile: bytes
    wheels: tuple[Path, ...]
    code: Mapping[str, bytes]
    """The server's files by their path in the image."""
    bundle: Path

    def digest(self) -> Digest:
        """Return what names the image: equal recipes are the same image."""
        bundle = {path.relative_to(self.bundle).as_posix(): _digest(path) for path in _files(self.bundle)}
        return digest_value(
            {
                "base": self.base,
                "dockerfile": digest_bytes(self.dockerfile),
                "wheels": {path.name: _digest(path) for path in self.wheels},
                "code": {path: digest_bytes(raw) for path, raw in self.code.items()},
                "bundle": {path: digest for path, digest in bundle.items() if path != "manifest.json"},
            }
        )


@contextmanager
def build_context(recipe: Recipe, scratch: Path) -> Iterator[IO[bytes]]:
    """Yield the archive of a recipe, which lies in the folder while the block runs and has no name there."""
    with ExitStack() as opened:
        with writing(scratch):
            scratch.mkdir(parents=True, exist_ok=True)
            file = opened.enter_context(TemporaryFile(dir=scratch))
            _write(file, recipe)
            file.seek(0)
        yield file


def _write(file: IO[bytes], recipe: Recipe) -> None:
    with tarfile.open(fileobj=file, mode="w") as archive:
        _add(archive, "Dockerfile", recipe.dockerfile)
        _add(archive, "wheels/requirements.txt", _pins(recipe.wheels))
        for wheel in recipe.wheels:
            _add(archive, f"wheels/{wheel.name}", wheel)
        for name, raw in recipe.code.items():
            _add(archive, name, raw)
        for path in _files(recipe.bundle):
            _add(archive, f"bundle/{path.relative_to(recipe.bundle).as_posix()}", path)


def archive_of(files: Mapping[str, bytes]) -> IO[bytes]:
    """Return the archive of files by their path in it."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in sorted(files.items()):
            _add(archive, name, content)
    raw.seek(0)
    return raw


def _pins(wheels: tuple[Path, ...]) -> bytes:
    """Return what pip is to install: all but itself."""
    named = (path.name.split("-")[:2] for path in wheels)
    return "".join(f"{name}=={version}\n" for name, version in named if name != "pip").encode()


def _add(archive: tarfile.TarFile, name: str, content: bytes | Path) -> None:
    entry = tarfile.TarInfo(name)  # of nobody in particular, at the beginning of time
    entry.mode = 0o644
    if isinstance(content, bytes):
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
        return
    with content.open("rb") as file:
        entry.size = content.stat().st_size
        archive.addfile(entry, file)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> Digest:
    with path.open("rb") as file:
        return digest_stream(file)
