"""The processes of a run on this machine."""

from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from kaon.artifacts import RunRecord

END_BOUND = 10.0
"""Seconds to wait for killed processes to be gone."""
CLOCKS = 2.0
"""Seconds by which two readings of when a process started may differ."""


def runs_here(run: "RunRecord") -> bool:
    """Say whether the process of a run is on this machine, and is still the same process."""
    from kaon.artifacts.records.life import this_machine

    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(run.pid).create_time()
        return run.machine == this_machine() and abs(started - run.process) < CLOCKS
    return False


def kill_tree(pid: int) -> int:
    """Kill a process and all that it started, the process first; return how many it had started."""
    try:
        parent = psutil.Process(pid)
        tree = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in tree:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(tree, timeout=END_BOUND)
    return len(tree) - 1
