"""Where Kaon keeps everything that a run stores."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def kaon_home() -> Path:
    """Return the folder of $KAON_HOME, or `.kaon` in the working directory, as an absolute path.

    The folder need not exist: whoever writes first creates it.
    """
    return Path(os.environ.get("KAON_HOME") or ".kaon").expanduser().absolute()


def cache() -> Path:
    """Return the folder of what can be made again from the store."""
    return kaon_home() / "cache"


def renew(cached: Path) -> None:
    """Say that what is cached here is wanted, so that `kaon gc` leaves it: call it before checking what is there."""
    with suppress(OSError):
        os.utime(cached)
