"""What is sent to a page that shows a run, while it goes on: the parts of the page that have changed.

Every message carries the id of the last log line that it holds. A page whose connection was lost says which it had
last, and is sent every line after that; the other parts are sent as they are now.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from fastapi.concurrency import run_in_threadpool

from .panel import Panel, Wanted, panel_of
from .site import Site
from .timing import timed, told_as
from .watched import RunView

EVERY = 1.0
"""Seconds between two looks at a run that goes on."""
SELDOM = 3.0
"""Seconds between two looks at one that has ended or is held; somebody may take it up again."""
AT_ONCE = 0.1
"""Seconds until the next look where one was not enough."""
NEW = 1000
"""Step runs of a loop that one look takes in at most, so that it is short however fast the loop goes on."""
SILENCE = 15.0
"""Seconds after which something is sent though nothing has changed, so that a lost connection shows."""
SLICE = 0.25
"""Seconds between two looks at whether the server stops."""
LINES = 200
"""Log lines that are sent at once; where there are more, the next look follows soon."""
PARTS = ("head", "plan", "panel")


@dataclass(slots=True)
class RunStream:
    """The updates for one page."""

    site: Site
    run_id: int
    wanted: Wanted
    last: int
    """The last log line that the page has."""
    sent: dict[str, int] = field(default_factory=dict)
    """Part to the hash of what was sent of it."""

    def update(self) -> tuple[str, float]:
        """Return the HTML of what has changed, empty if nothing has, and the seconds until the next look."""
        view = self.site.watched.view(self.run_id)
        panel = panel_of(self.site, view, self.wanted, NEW)
        parts = [html for name, html in run_parts(self.site, view, panel) if self._is_new(name, html)]
        goes_on = view.run.ended is None and view.run.state == "running"
        lines, whole = self._lines(panel)
        pause = (EVERY if goes_on else SELDOM) if panel.every and whole else AT_ONCE
        return "".join([*parts, lines]), pause

    def _is_new(self, name: str, html: str) -> bool:
        known = hash(html)
        changed = self.sent.get(name) != known
        self.sent[name] = known
        return changed

    def _lines(self, panel: Panel) -> tuple[str, bool]:
        """Return the log lines that are new, and whether these are all."""
        if panel.kind == "items" or self.wanted.before:
            return "", True
        step_run = panel.detail.step.id if panel.detail else None
        if panel.wanted.at and step_run is None:
            return "", True
        records = self.site.store.records
        new = records.log(self.run_id, step_run, text=self.wanted.text, after=self.last, limit=LINES)
        if not new:
            return "", True
        self.last = new[-1].id
        return self.site.templates.get_template("log_lines.html").render(messages=new), len(new) < LINES


def run_parts(site: Site, view: RunView, panel: Panel) -> Iterator[tuple[str, str]]:
    """Yield the parts of the page that change while a run goes on, by name, as HTML with the ids of the page."""
    for name in PARTS:
        template = site.templates.get_template(f"run_{name}.html")
        yield name, template.render(site=site, view=view, run=view.run, panel=panel)


async def events(stream: RunStream, stopping: threading.Event) -> AsyncIterator[str]:
    """Yield what is sent, as server-sent events; it ends when the page is left, or the server stops."""
    yield "retry: 2000\n\n"
    told = time.monotonic()
    while not stopping.is_set():
        began = time.perf_counter()
        (html, pause), took = await run_in_threadpool(timed, stream.update)
        if html:
            lines = "".join(f"data: {line}\n" for line in html.splitlines())
            yield f"{told_as(time.perf_counter() - began, took)}id: {stream.last}\n{lines}\n"
            told = time.monotonic()
        elif time.monotonic() - told > SILENCE:
            yield ": nothing new\n\n"
            told = time.monotonic()
        await _pause(pause, stopping)


async def _pause(seconds: float, stopping: threading.Event) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stopping.is_set():
        await asyncio.sleep(min(SLICE, max(until - time.monotonic(), 0.0)))
