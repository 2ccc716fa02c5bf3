"""The process that executes what is launched and scheduled, left by `kaon up` until `kaon down`.

`<home>/worker.lock` is held for as long as it lives, `worker.json` names it, `worker.log` is what it says.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from .own_server import is_free

END_BOUND = 45.0
"""Seconds that its runs are given to end, above all their own grace period."""


def start_worker(home: Path) -> bool:
    """Start the process unless it is there, and return whether it was started."""
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    with (home / "worker.lock").open("a") as working, (home / "worker.log").open("ab") as log:
        try:
            fcntl.flock(working, fcntl.LOCK_EX | fcntl.LOCK_NB)  # inherited, and held for as long as the worker lives
        except OSError:
            return False
        process = subprocess.Popen(
            [sys.executable, "-m", "kaon.cli", "serve"],
            env={**os.environ, "KAON_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(working.fileno(),),
            start_new_session=True,
        )
    (home / "worker.json").write_text(json.dumps({"pid": process.pid}))
    return True


def stop_worker(home: Path) -> bool:
    """End the process, and the runs that it executes, which are recorded as cancelled; return whether there was one."""
    home = home.absolute()
    if not (home / "worker.json").exists() or not worker_lives(home):
        return False
    pid = int(json.loads((home / "worker.json").read_text())["pid"])
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + END_BOUND
        while worker_lives(home) and time.monotonic() < deadline:
            time.sleep(0.05)
        if worker_lives(home):
            os.killpg(pid, signal.SIGKILL)
    return True


def worker_lives(home: Path) -> bool:
    """Tell whether the process is there."""
    return not is_free(home / "worker.lock")
