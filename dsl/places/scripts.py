"""The scripts of a command: files beside the one in which the step is written."""

import re
from collections.abc import Sequence
from pathlib import Path


def scripts_of(words: Sequence[str], files: Sequence[str], folder: Path) -> tuple[tuple[str, bytes], ...]:
    """Return the name and content of each script: those listed, and those that a word of the command is the name of.

    folder: of the file in which the step is written.
    Raises ValueError, with the reason and after a line break the mend, for one that is listed and not there.
    """
    found: dict[str, bytes] = {}
    for name in files:
        path = folder / name
        if not path.is_file() or not _below(path, folder):
            raise ValueError(f"there is no file {str(path)!r}\nlist files by their path inside {str(folder)!r}")
        found[name] = path.read_bytes()
    for word in re.split(r"\s+", " ".join(words)):
        path = folder / word
        if word and "/.." not in f"/{word}" and not Path(word).is_absolute() and path.is_file():
            found[word] = path.read_bytes()
    return tuple(sorted(found.items()))


def _below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
