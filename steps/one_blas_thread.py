"""Linear algebra on one thread, so that the same input gives the same bits."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from threadpoolctl import threadpool_limits

_changing = threading.Lock()
_limits = ExitStack()
"""What restores the number of threads when the last block has ended."""
_blocks = 0


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let BLAS compute on one thread while the block runs.

    Another number of threads adds in another order, and rounds otherwise. The number belongs to the whole process:
    where blocks of several steps overlap, the last one to end restores it, or one would change it under another.
    """
    global _blocks
    with _changing:
        _blocks += 1
        _limits.enter_context(threadpool_limits(1, user_api="blas"))
    try:
        yield
    finally:
        with _changing:
            _blocks -= 1
            if not _blocks:
                _limits.close()
