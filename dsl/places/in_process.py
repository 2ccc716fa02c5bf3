"""Run a step in this process; with a timeout, in a thread that is told to stop when its time is up."""

import ctypes
import threading
from collections.abc import Callable, Mapping
from contextvars import copy_context
from typing import Any

from ..errors import StepTimedOut

STOP_PATIENCE = 5.0
"""Seconds given to a step to unwind after its time is up."""


def run_in_process(function: Callable[..., Any], inputs: Mapping[str, Any], timeout: float | None) -> Any:
    """Return what the function returns.

    timeout: seconds. A function still running then gets StepTimedOut raised at its next line of Python; one that hangs
        in foreign code cannot be stopped from inside the process, and is left behind.
    Raises what the function raises, and StepTimedOut.
    """
    if timeout is None:
        return function(**inputs)
    work = _Work(function, inputs)
    work.thread.start()
    work.thread.join(timeout)
    if work.thread.is_alive():
        work.stop()
        raise StepTimedOut(f"it took longer than its timeout of {timeout:g} s")
    if work.error is not None:
        raise work.error
    return work.result


def raise_in_thread(thread: int, error: type[BaseException]) -> None:
    """Raise an exception in another thread, at its next line of Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


class _Work:
    def __init__(self, function: Callable[..., Any], inputs: Mapping[str, Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        context = copy_context()

        def work() -> None:
            try:
                self.result = context.run(function, **inputs)
            except BaseException as error:  # handed to the thread that waits
                self.error = error

        self.thread = threading.Thread(target=work, name="kaon-step", daemon=True)

    def stop(self) -> None:
        assert self.thread.ident is not None, "the thread was started"
        raise_in_thread(self.thread.ident, StepTimedOut)
        self.thread.join(STOP_PATIENCE)
