"""What stands beside a run's plan: the run itself, the items of a loop or of a step, or one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from ..errors import UnknownRecord
from ..records import STATES, Message, State, StepRecord
from ..records.inside import ItemRecord
from .loop_items import loop_items
from .plans.standing import PENDING, Standing
from .run_links import Link, links_of
from .run_rows import changed_settings
from .site import Site
from .step_detail import StepDetail, curve_spec, detail_of
from .watched import RunView

ITEMS = 50
LINES = 200
"""Log lines that a page begins with."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to stand beside the plan, as the address says it."""

    at: str = ""
    """Plan path of a step, loop, repetition or decision; empty for the run itself."""
    step: int = 0
    """Step run; 0 for the step as a whole."""
    state: str = ""
    """Only items in this state."""
    after: int = 0
    """Only items after this one."""
    text: str = ""
    """Only log lines that hold this."""
    before: int = 0
    """Only log lines before this message."""

    def url(self, run_id: int, page: str = "", **changes: object) -> str:
        """Return the address of this, or of something near it."""
        values = {name: getattr(self, name) for name in self.__slots__} | changes
        given = {name: value for name, value in values.items() if value}
        return f"/runs/{run_id}{page}{f'?{urlencode(given)}' if given else ''}"


@dataclass(frozen=True, slots=True)
class Panel:
    """What stands beside the plan; of `items` and `detail` at most one is there."""

    wanted: Wanted
    standing: Standing
    kind: str
    """run, step or items."""
    title: str
    log: tuple[Message, ...]
    items: tuple[ItemRecord, ...] = ()
    more_items: bool = False
    counts: Mapping[State, int] | None = None
    detail: StepDetail | None = None
    call: Mapping[str, Any] | None = None
    curves: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    changed: Mapping[str, Any] | None = None
    links: tuple[Link, ...] = ()
    now: datetime = datetime.min
    every: bool = True
    """Whether all that is recorded has been taken in; of a loop that goes on fast, one look takes in a part."""


def panel_of(site: Site, view: RunView, wanted: Wanted, most: int = 2**31 - 1) -> Panel:
    """Return what the address asks for. Raises UnknownRecord.

    most: step runs of a loop that are taken in at most, of those that are new since somebody last looked.
    """
    if wanted.step:
        step = site.store.records.step_run(wanted.step)
        if step.run != view.run.id:
            raise UnknownRecord(f"step run {wanted.step} is not of run {view.run.id}", fix=f"/runs/{step.run}")
        return _step(site, view, wanted, step)
    if not wanted.at:
        changed = changed_settings(view.plan.facts, view.run.settings)
        return Panel(
            wanted,
            PENDING,
            "run",
            "This run",
            _log(site, view, wanted),
            changed=changed,
            links=tuple(links_of(site, view.run)),
        )
    plan = view.plan.facts
    if wanted.at not in view.standings:
        raise UnknownRecord(f"the plan of run {view.run.id} has no {wanted.at!r}", fix=f"/runs/{view.run.id}")
    standing = view.standings[wanted.at]
    if wanted.at in plan.calls and (not plan.around[wanted.at] or (standing.begun == 1 and not wanted.state)):
        found = site.store.records.step_runs(view.run.id, path=wanted.at, limit=1)
        if found:
            return _step(site, view, wanted, found[0])
        return Panel(wanted, standing, "step", wanted.at.rpartition("/")[2], (), call=plan.calls[wanted.at])
    return _items(site, view, wanted, standing, most)


def _step(site: Site, view: RunView, wanted: Wanted, step: StepRecord) -> Panel:
    detail = detail_of(site, view.plan.facts, step)
    return Panel(
        wanted,
        view.standings.get(step.path, PENDING),
        "step",
        step.step,
        _log(site, view, wanted, step.id),
        detail=detail,
        call=detail.call,
        curves=tuple((name, curve_spec(curve)) for name, curve in detail.curves.items()),
        links=tuple(links_of(site, view.run)),
        now=datetime.now(UTC),
    )


def _items(site: Site, view: RunView, wanted: Wanted, standing: Standing, most: int) -> Panel:
    plan, records = view.plan.facts, site.store.records
    paths = (wanted.at,) if wanted.at in plan.calls else plan.directly_in(wanted.at)
    states: tuple[State, ...] = tuple(one for one in STATES if one == wanted.state)
    goes_on = view.run.ended is None and view.run.state == "running"
    every = True
    if len(paths) == 1:
        items = records.items(view.run.id, paths[0], states=states, after=wanted.after, limit=ITEMS + 1)
        counts = standing.counts
    else:
        loop, every = loop_items(site.store, view.run, tuple(paths), most)
        dead = view.run.state == "failed" and view.run.ended is None
        items = loop.page(states, after=wanted.after, limit=ITEMS + 1, dead=dead)
        counts = loop.counts(dead=dead)
    shown = tuple(_unfinished(item, len(paths), goes_on) for item in items[:ITEMS])
    return Panel(
        wanted,
        standing,
        "items",
        wanted.at.rpartition("/")[2],
        (),
        items=shown,
        more_items=len(items) > ITEMS,
        counts=counts,
        call=plan.calls.get(wanted.at),
        now=datetime.now(UTC),
        every=every,
    )


def _unfinished(item: ItemRecord, steps: int, goes_on: bool) -> ItemRecord:
    """Return an item whose steps so far are done, but not all have begun, as running: a decision aside, more come."""
    if not goes_on or item.state not in ("completed", "skipped") or item.steps >= steps:
        return item
    return ItemRecord(item.first, item.last, item.keys, item.attempt, "running", item.steps, item.started, None)


def _log(site: Site, view: RunView, wanted: Wanted, step_run: int | None = None) -> tuple[Message, ...]:
    before = wanted.before or None
    return tuple(site.store.records.log(view.run.id, step_run, text=wanted.text, before=before, limit=LINES))
