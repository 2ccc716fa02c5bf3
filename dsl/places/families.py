"""The processes that descend from a zygote: whose they are, how much memory they hold, and how to end them."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

import psutil

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 1.0
"""Seconds in which killed processes are expected to be gone."""


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, where the system can, so that none is lost."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def families(workers: Collection[int]) -> Mapping[int, Sequence[psutil.Process]]:
    """Return each worker's process with all that it started and that still lives."""
    alive = {process.pid: process for process in _descendants()}
    parents = {pid: _parent(process) for pid, process in alive.items()}
    found: dict[int, list[psutil.Process]] = {worker: [] for worker in workers}
    for pid, process in alive.items():
        top = pid
        while top not in found and parents.get(top) in parents:
            top = parents[top]
        leader = top if top in found else _group(top)  # an orphan is this process's child, but keeps its group
        if leader in found:
            found[leader].append(process)
    return found


def ended(workers: Collection[int]) -> Iterator[tuple[int, int]]:
    """Take the processes that have ended, with their statuses; the groups that workers led are killed first."""
    while True:
        try:
            if sys.platform == "linux":
                zombie = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if zombie is None:
                    return
                if zombie.si_pid in workers:
                    _kill_group(zombie.si_pid)  # while the dead leader keeps its number from being given anew
                yield os.waitpid(zombie.si_pid, 0)
            else:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid in workers:
                    _kill_group(pid)
                yield pid, status
        except ChildProcessError:
            return


def kill_family(worker: int) -> None:
    """Kill a worker and all that it started, also what left its group."""
    family = families([worker])[worker]
    _kill_group(worker)
    _kill(family)


def end_all(workers: Collection[int]) -> None:
    """Kill every descendant of this process until none is left."""
    for worker in workers:
        _kill_group(worker)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        alive = [process for process in _descendants() if _alive(process)]
        if not alive:
            return
        _kill(alive)
        time.sleep(0.01)


def memory_of(family: Sequence[psutil.Process], enough: int) -> int:
    """Return the resident bytes of the processes; if that is more than enough, shared pages count only once."""
    used = sum(_resident(process) for process in family)
    return used if used <= enough else sum(_fair_share(process) for process in family)


def _kill_group(leader: int) -> None:
    with suppress(OSError):
        os.kill(leader, signal.SIGKILL)  # it may not lead a group yet
    with suppress(OSError):
        os.killpg(leader, signal.SIGKILL)


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def _parent(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.ppid())
    return 0


def _group(pid: int) -> int:
    with suppress(OSError):
        return os.getpgid(pid)
    return 0


def _descendants() -> list[psutil.Process]:
    with suppress(psutil.Error):
        found: list[psutil.Process] = psutil.Process().children(recursive=True)
        return found
    return []


def _alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _fair_share(process: psutil.Process) -> int:
    with suppress(OSError, StopIteration), open(f"/proc/{process.pid}/smaps_rollup") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return _resident(process)
