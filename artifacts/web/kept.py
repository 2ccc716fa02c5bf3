"""What was read for one page and is needed again a second later, by it or by others: kept while somebody looks."""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from ..store import Store

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

LOOKED_AT = 30.0
"""Seconds after which nobody looks any more: pages that go on ask every few seconds."""


class Kept(Generic[K, V]):
    """Values by store and key: all that are looked at, and the last few others. Safe to use from many threads."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """most: values of a store that are kept though nobody looks at them."""
        self._most = most
        self._clock = clock
        self._values: weakref.WeakKeyDictionary[Store, OrderedDict[K, tuple[float, V]]] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def get(self, store: Store, key: K, make: Callable[[], V]) -> V:
        """Return the value, made where there is none."""
        with self._lock:
            values = self._values.setdefault(store, OrderedDict())
            _, value = values.get(key) or (0.0, make())
            now = self._clock()
            values[key] = now, value
            values.move_to_end(key)
            while len(values) > self._most and now - next(iter(values.values()))[0] > LOOKED_AT:
                values.popitem(last=False)
        return value
