"""What each stage of a publication takes."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kaon.dsl import current_step


class Stopwatch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to a stage, and say that it is what happens now."""
        current_step().status(name)
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds[name] = round(self._seconds.get(name, 0.0) + time.monotonic() - began, 3)

    def seconds(self) -> Mapping[str, float]:
        """Return what was measured, in the order of the stages."""
        return dict(self._seconds)
