"""What Prefect shows of a step: its progress, and links to what it made."""

import re
import time
from collections.abc import Iterable
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from kaon.artifacts import Artifact

EVERY = 1.0
"""Seconds between two updates of a progress artifact."""


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


def show_results(title: str, artifacts: Iterable[Artifact]) -> None:
    """Make a Prefect artifact that lists what a step made, and how to open each."""
    rows = [f"| {a.name} | {a.kind} | {a.size:,} | `{a.digest[:19]}…` | `kaon artifact {a.id}` |" for a in artifacts]
    if rows:
        table = "\n".join(["| artifact | kind | bytes | digest | open with |", "|---|---|--:|---|---|", *rows])
        create_markdown_artifact(table, key=f"made-{_slug(title)}", description=f"What {title} made")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
