"""Whether the process of a run lives."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Row

SILENCE = timedelta(seconds=15)
"""A run that has shown no sign of life for so long has died."""

CLOCKS = 2.0
"""Seconds by which two readings of a process's start may differ, when the system's clock was set between them."""


def this_process() -> dict[str, Any]:
    """Return what the records keep of the process that runs a run."""
    pid = os.getpid()
    return {
        "pid": pid,
        "host": socket.gethostname(),
        "process": psutil.Process(pid).create_time(),
        "machine": this_machine(),
    }


def death(run: Row[Any], time: datetime) -> str | None:
    """Return why a run counts as dead, or None if it has ended, is held, or shows life.

    run: its row, or any with its `state`, `ended`, `heartbeat`, `pid`, `process` and `machine`.
    """
    if run.ended is not None or run.state == "held":
        return None
    if time - run.heartbeat > SILENCE:
        return f"its process died: no sign of life since {run.heartbeat:%Y-%m-%d %H:%M:%S} UTC"
    if run.process and run.machine == this_machine() and not _lives(run.pid, run.process):
        return f"its process died: there is no process {run.pid} any more"
    return None


def _lives(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        return bool(abs(process.create_time() - started) < CLOCKS and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


@cache
def this_machine() -> str:
    """Return a name for where pids mean the same processes: this boot of this machine, and in it this container.

    Host names would not do: containers and machines may share one.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return f"{socket.gethostname()}/{psutil.boot_time():.0f}"
