"""Which MLflow there is."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..home import kaon_home


def tracking_uri(home: Path | None = None) -> str:
    """Return MLflow's URI: $MLFLOW_TRACKING_URI, else the server that `kaon up` started, else a SQLite file at home.

    home: Kaon's home folder; None for kaon_home().
    """
    home = home or kaon_home()
    return os.environ.get("MLFLOW_TRACKING_URI") or _stack_url(home) or f"sqlite:///{home / 'mlflow' / 'mlflow.db'}"


def _stack_url(home: Path) -> str | None:
    """Return the URL of the lasting stack's MLflow if its process lives."""
    try:
        server = json.loads((home / "stack.json").read_text())["mlflow"]
        os.kill(int(server["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(server["url"])
