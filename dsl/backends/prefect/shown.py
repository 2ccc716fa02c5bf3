"""What Prefect shows of a step: its progress, and links to what it made."""

import logging
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from uuid import UUID, uuid4

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from kaon.artifacts import Artifact

logger = logging.getLogger(__name__)

SHOW_EVERY = 2.0
"""Seconds between two tables of what steps made."""
HEAD = ("| step | artifact | kind | bytes | digest | open with |", "|---|---|---|--:|---|---|")
EVERY = 1.0
"""Seconds between two updates of a progress artifact."""


class Quiet(logging.Filter):
    """Leaves out what Prefect logs of every task run that ends well: its state says the same, and a step costs less."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.INFO or not str(record.msg).startswith("Finished in state")


@contextmanager
def few_words() -> Iterator[None]:
    """Let Prefect log no line for each step that completes, while the block runs."""
    quiet, task_runs = Quiet(), logging.getLogger("prefect.task_runs")
    task_runs.addFilter(quiet)
    try:
        yield
    finally:
        task_runs.removeFilter(quiet)


class Progress:
    """A Prefect progress artifact that follows a step; made when the step first tells its progress."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._artifact: UUID | None = None
        self._last = 0.0

    def __call__(self, fraction: float, note: str) -> None:
        now = time.monotonic()
        if now - self._last < EVERY and fraction < 1:
            return
        self._last = now
        percent = 100 * fraction
        if self._artifact is None:
            made = create_progress_artifact(
                percent, key=f"progress-{_slug(self._title)}", description=note or self._title
            )
            assert isinstance(made, UUID), "called outside of an event loop"
            self._artifact = made
        else:
            update_progress_artifact(self._artifact, percent, description=note or self._title)


class ResultsTable:
    """Prefect artifacts that list what the steps of a flow run made, and how to open each.

    One is added every few seconds with what was made since the last one, from a thread of its own: no step waits.
    """

    def __init__(self) -> None:
        self._rows: list[str] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._show_now_and_then,), name="kaon-show", daemon=True
        )
        self._thread.start()

    def add(self, title: str, artifacts: Iterable[Artifact]) -> None:
        """List what a step made."""
        rows = [
            f"| {title} | {a.name} | {a.kind} | {a.size:,} | `{a.digest[:19]}…` | `kaon artifact {a.id}` |"
            for a in artifacts
        ]
        with self._lock:
            self._rows += rows

    def close(self) -> None:
        """Wait until Prefect shows everything that was added."""
        self._closed.set()
        self._thread.join()

    def _show_now_and_then(self) -> None:
        last = False
        while not last:
            last = self._closed.wait(SHOW_EVERY)
            with self._lock:
                rows, self._rows = self._rows, []
            if rows:
                try:
                    table = "\n".join([*HEAD, *rows])
                    create_markdown_artifact(table, key=f"made-{uuid4()}", description="What steps made")
                except Exception as error:  # whatever it is, the run goes on: the records hold the same
                    logger.warning("Prefect does not show what steps made: %s", error)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
