"""The first moments of a worker after the fork: nothing of the zygote's stays with it but what it was built for."""

import ctypes
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from socket import socket
from typing import NoReturn

from . import limits
from .imports import ByFile
from .performing import Perform, serve
from .wire import Word

PR_SET_PDEATHSIG = 1
KILLED_FIRST = "500"
"""Added to its badness (proc(5), oom_score_adj): short of memory, the kernel kills a worker, not the run's process."""


def be_worker(line: socket, word: Word, perform: Perform, told: ByFile, cores: Sequence[int], threads: int) -> NoReturn:
    """Perform tasks until the line is closed, then end.

    cores: the ones to keep to; none: all. threads: of numeric libraries; 0: as the zygote was told.
    """
    zygote = os.getppid()
    try:
        os.setsid()
        _die_with(zygote)
        for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        if cores:
            limits.keep_to(cores)
        elif threads:
            limits.use_threads(threads)
        _seed_anew()
        serve(line, word, perform, told)
    except (OSError, EOFError):
        pass  # the run's process is gone
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
    os._exit(0)


def _die_with(zygote: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
            score.write(KILLED_FIRST)
    else:
        threading.Thread(target=_die_after, args=(zygote,), name="kaon-watch", daemon=True).start()
    if os.getppid() != zygote:  # it died before it was asked to take this process with it
        os._exit(1)


def _die_after(zygote: int) -> None:
    while os.getppid() == zygote:
        time.sleep(0.25)
    os.killpg(0, signal.SIGKILL)


def _seed_anew() -> None:
    """Give this process random numbers of its own; forks of one process would all draw the same."""
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        torch.seed()
