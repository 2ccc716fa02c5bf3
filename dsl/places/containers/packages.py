"""The packages of this Python for a container: what is installed and Kaon itself, at the paths they have here."""

import os
import sys
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).parents[3]
"""The package kaon, by the path that it is imported from."""


@lru_cache(maxsize=1)
def folders() -> tuple[Path, ...]:
    """Return the folders to be mounted so that what is installed here can be imported elsewhere."""
    found = [Path(place).resolve() for place in search_path()]
    return tuple(dict.fromkeys([*found, *_linked(PACKAGE)]))


@lru_cache(maxsize=1)
def search_path() -> tuple[str, ...]:
    """Return the folders in which imports are looked for: those of installed packages, and that of Kaon."""
    installed = [place for place in sys.path if Path(place).name in ("site-packages", "dist-packages")]
    places = [str(PACKAGE.parent), *installed]
    return tuple(dict.fromkeys(str(Path(place).resolve()) for place in places if os.path.isdir(place)))


def _linked(package: Path) -> list[Path]:
    """Return what links in the package lead to: in a checkout its layers lie beside it."""
    return [inner.resolve() for inner in package.iterdir() if inner.is_symlink() and inner.is_dir()]
