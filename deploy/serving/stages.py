"""What is measured of each request inside: how long its stages take, and which of them failed."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from .answers import Part

T = TypeVar("T")

log = logging.getLogger("kaon.serving")


@dataclass(slots=True, eq=False)
class Stages:
    """The stages of one request."""

    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[Part] = field(default_factory=list)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the time of the block to a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begun

    def attempt(self, part: Part, wanted: Callable[[], T], otherwise: Callable[[], T]) -> T:
        """Return what is wanted, or what stands in for it if that fails, which is logged and noted."""
        try:
            with self.timed(part):
                return wanted()
        except Exception:  # a list that is good enough is better than none
            log.exception("%s failed; popularity stands in for it", part)
            self.failed.append(part)
            return otherwise()
