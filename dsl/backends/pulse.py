"""The pulse of a run: every half second what its steps said is recorded, and every second that it lives."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kaon.artifacts import AlreadyEnded, ArtifactsError, Fenced

from .session import Session

logger = logging.getLogger(__name__)

BEAT = 1.0
"""Seconds between two signs of life of a run."""
FLUSH = 0.5
"""Seconds that a message of a step may wait before it is recorded."""


@contextmanager
def pulsing(session: Session) -> Iterator[None]:
    """Let the session show life, record what is said and hear what is wanted of the run, while the block runs."""
    stop = threading.Event()
    pulse = threading.Thread(target=_pulse, args=(session, stop), name="kaon-pulse", daemon=True)
    pulse.start()
    try:
        yield
    finally:
        stop.set()
        pulse.join()


def _pulse(session: Session, stop: threading.Event) -> None:
    beats = int(BEAT / FLUSH)
    tick = 0
    while not stop.wait(FLUSH) and not session.ended:
        tick += 1
        try:
            session.flush()
            if tick % beats == 0 and session.store.records.beat(session.lease) == "cancelled":
                session.drain("cancelled with `kaon cancel`")
        except Fenced as fenced:
            session.fenced = fenced
            session.halt(fenced.problem)
            return
        except AlreadyEnded as ended:
            if not session.ended:  # somebody ended the run for us, so there is nothing more to do
                session.halt(ended.problem)
            return
        except ArtifactsError as error:  # a busy database, a full disk: tried again at the next tick
            logger.warning("the records of run %s cannot be written now: %s", session.lease.run, error)
