"""What is sent to a page that shows a run, while it goes on: the parts of the page that have changed.

Every message carries the id of the last log line that it holds. A page whose connection was lost says which it had
last, and is sent every line after that; the other parts are sent as they are now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..records import RunRecord
from .live_stream import AT_ONCE, EVERY, NEW, SELDOM, Sent, Update
from .panel import Panel, Wanted, panel_of
from .site import Site
from .watched import RunView

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
    sent: Sent = field(default_factory=Sent)

    def update(self) -> Update:
        """Return what has changed on the page."""
        view = self.site.watched.view(self.run_id)
        panel = panel_of(self.site, view, self.wanted, NEW)
        parts = self.sent.new(run_parts(self.site, view, panel))
        goes_on = view.run.ended is None and view.run.state == "running"
        lines, whole = self._lines(view.run, panel)
        pause = (EVERY if goes_on else SELDOM) if panel.every and whole else AT_ONCE
        return Update(parts + lines, pause, self.last)

    def _lines(self, run: RunRecord, panel: Panel) -> tuple[str, bool]:
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
        template = self.site.templates.get_template("log_lines.html")
        return template.render(messages=new, run=run, of_run=step_run is None), len(new) < LINES


def run_parts(site: Site, view: RunView, panel: Panel) -> Iterator[tuple[str, str]]:
    """Yield the parts of the page that change while a run goes on, by name, as HTML with the ids of the page."""
    for name in PARTS:
        template = site.templates.get_template(f"run_{name}.html")
        yield name, template.render(site=site, view=view, run=view.run, panel=panel)
