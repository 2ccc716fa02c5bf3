"""Where Kaon keeps everything that a run stores."""

from __future__ import annotations

import os
from pathlib import Path


def kaon_home() -> Path:
    """Return the folder of $KAON_HOME, or `.kaon` in the working directory, as an absolute path.

    The folder need not exist: whoever writes first creates it.
    """
    return Path(os.environ.get("KAON_HOME") or ".kaon").expanduser().absolute()
