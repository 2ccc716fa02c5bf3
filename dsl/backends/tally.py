"""Count the items of a wide loop as they end, for whoever watches the run in this process."""

import threading
import time
from collections import Counter
from collections.abc import Callable

from ..events import ItemsEvent, State
from .failures import Stopped

EVERY = 0.25
"""Seconds between two events about one loop."""


class Tally:
    """What has become of the items of one loop; shared by its shards."""

    def __init__(
        self,
        path: str,
        keys: tuple[tuple[str, object], ...],
        attempts: tuple[int, ...],
        total: int,
        tell: Callable[[ItemsEvent], None],
    ) -> None:
        self._where = (path, keys, attempts)
        self._total = total
        self._tell = tell
        self._counts: Counter[State] = Counter()
        self._began = self._told = time.monotonic()
        self._lock = threading.Lock()

    def ended(self, stopped: Stopped | None, skipped: bool) -> None:
        """Count an item that has ended."""
        state: State = "skipped" if skipped else "completed"
        if stopped is not None:
            state = "failed" if stopped.failures else "held" if stopped.held else "cancelled"
        with self._lock:
            self._counts[state] += 1
            now = time.monotonic()
            if now - self._told < EVERY and self._counts.total() < self._total:
                return
            self._told = now
            event = ItemsEvent(*self._where, self._total, dict(self._counts), now - self._began)
        self._tell(event)
