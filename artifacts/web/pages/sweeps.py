"""Sweeps: a leaderboard while points come in, what settings do to a metric, and what failed."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from ...errors import UnknownRecord
from ...launching.fields import form_of
from ...launching.prefect_api import PrefectApi
from ...launching.starting import base_of, continue_run
from ...records import RunRecord
from ...sweeping import Board, Point, order_of, sweep_in
from ..boards import board_of
from ..live_stream import AT_ONCE, EVERY, NEW, SELDOM, Sent, Update, live
from ..navigation import Entry
from ..site import Id, Site, page, site_of
from ..sweep_charts import pictures

router = APIRouter()
NAVIGATION = Entry("Sweeps", "/sweeps", 40)

ROWS = 25
LISTED = 30
"""Sweeps of a page of the list."""
DRAWS_EVERY = 5.0
"""Seconds between two pictures of a sweep that goes on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a sweep is shown, as the address says it."""

    by: str = ""
    down: bool = True
    state: str = ""
    start: int = 0
    metric: str = ""

    def url(self, run_id: int, page: str = "", **changes: object) -> str:
        """Return the address of this, or of something near it."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__} | changes
        standard = {"by": "", "down": True, "state": "", "start": 0, "metric": ""}
        given = {
            name: str(value).lower() if name == "down" else value
            for name, value in values.items()
            if value != standard[name]
        }
        return f"/sweeps/{run_id}{page}{f'?{urlencode(given)}' if given else ''}"


def asked(by: str = "", down: bool = True, state: str = "", start: Id = 0, metric: str = "") -> Asked:
    """Return what the address asks for."""
    return Asked(by, down, state, start, metric)


Wanted = Annotated[Asked, Depends(asked)]


@dataclass(frozen=True, slots=True)
class SweepView:
    """A sweep as it is shown."""

    run: RunRecord
    board: Board
    asked: Asked
    metric: str
    less: bool
    best: Point | None
    launch: str
    """The name of the workflow whose form the settings of a point fill; empty if there is none."""

    @property
    def by(self) -> str:
        """What the leaderboard is sorted by."""
        return self.asked.by or self.metric or "point"

    @property
    def down(self) -> bool:
        """Whether the largest comes first."""
        if self.asked.by:
            return self.asked.down
        return bool(self.metric) and not self.less

    def promoted(self, point: Point) -> str:
        """Return the address of the launch form, filled with the settings of a point."""
        settings = {**self.run.settings, **order_of(self.run).get("fixed", {}), **point.values}
        return f"/launch/{self.launch}?{urlencode({'settings': json.dumps(settings)})}"


@dataclass(slots=True)
class SweepParts:
    """The parts of a sweep's page as they are now; nothing is made anew while nothing has changed.

    The pictures, which take longest, are never made by the same look as the rest, and last of all.
    """

    site: Site
    run: int
    asked: Asked
    shown: dict[str, str] = field(default_factory=dict)
    seen: tuple[object, ...] = ()
    drawn: tuple[object, ...] = ()
    """What had been seen when the pictures were made."""
    drawn_at: float = -DRAWS_EVERY
    sent: Sent = field(default_factory=Sent)

    def update(self) -> Update:
        """Return what has changed on the page."""
        shown, pause = self()
        return Update(self.sent.new(shown.items()), pause)

    def __call__(self) -> tuple[dict[str, str], float]:
        """Return the parts by name, and the seconds until the next look."""
        view, every = _view(self.site, self.run, self.asked, NEW)
        goes_on = view.run.ended is None and view.run.state == "running"
        seen = (view.board.version, view.run.state, view.run.generation)
        if seen != self.drawn and (self._is_time_to_draw() if goes_on else seen == self.seen):
            self._make({**_context(view), **_pictures(view)}, "charts")
            self.drawn, self.drawn_at = seen, time.monotonic()
        elif seen != self.seen:
            self._make(_context(view), "head", "board")
            self.seen = seen
        left = not every or seen != self.seen or (seen != self.drawn and not (goes_on and self.drawn))
        return self.shown, AT_ONCE if left else EVERY if goes_on else SELDOM

    def _is_time_to_draw(self) -> bool:
        return bool(self.seen) and time.monotonic() - self.drawn_at > DRAWS_EVERY

    def _make(self, context: dict[str, Any], *names: str) -> None:
        for name in names:
            self.shown[name] = self.site.templates.get_template(f"sweep_{name}.html").render(site=self.site, **context)


@router.get("/sweeps")
def sweeps(request: Request, before: Id = 0) -> Response:
    """List the newest sweeps."""
    records = site_of(request).store.records
    found = records.sweeps(LISTED + 1, before or None)
    shown = [(run, sweep_in(run)) for run in found[:LISTED]]
    older = f"/sweeps?before={found[LISTED - 1].id}" if len(found) > LISTED else None
    return page(request, "sweeps.html", shown=shown, older=older)


@router.get("/sweeps/{run_id}")
def sweep(request: Request, run_id: Id, wanted: Wanted) -> Response:
    """Show a sweep; its pictures, which take longest, are sent to the page once it is there."""
    view, _ = _view(site_of(request), run_id, wanted)
    return page(request, "sweep.html", **_context(view))


@router.get("/sweeps/{run_id}/events")
def sweep_events(request: Request, run_id: Id, wanted: Wanted) -> Response:
    """Send what changes on the page, as long as somebody looks at it."""
    site = site_of(request)
    _view(site, run_id, wanted)  # refuses what there is not, before anything is sent

    stream = live(SweepParts(site, run_id, wanted).update, request.app.state.stopping)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.post("/sweeps/{run_id}/retry")
def retry(request: Request, run_id: Id) -> Response:
    """Run again what failed, or never ran, with the code as it is now; what finished is kept."""
    site = site_of(request)
    begun = continue_run(PrefectApi(site.prefect_url), site.store, site.store.records.run(run_id))
    return RedirectResponse(f"/launch/started/{begun.flow_run}?sweep=true", 303)


def _view(site: Site, run_id: int, wanted: Asked, most: int = 2**31 - 1) -> tuple[SweepView, bool]:
    """Return the sweep as it stands, and whether that is all that is recorded; most: as `board_of` takes it."""
    run = site.store.records.run(run_id)
    board, every = board_of(site.store, run, most)
    metrics = board.metrics
    metric = wanted.metric if wanted.metric in metrics else (metrics[0] if metrics else "")
    less = board.sweep.less_is_better if metric == board.sweep.objective else _falls(metric)
    launch = _launched(site, run, board)
    return SweepView(run, board, wanted, metric, less, board.best(metric, less=less), launch), every


def _context(view: SweepView) -> dict[str, Any]:
    board, wanted = view.board, view.asked
    ranking = board.ranked(view.by, down=view.down, state=wanted.state, start=wanted.start, limit=ROWS)
    counts = board.counts()
    return {
        "view": view,
        "run": view.run,
        "board": board,
        "counts": counts,
        "ended": sum(number for state, number in counts.items() if state not in ("running", "pending")),
        "ranking": ranking,
        "rows": ROWS,
        "pictures": (),
    }


def _pictures(view: SweepView) -> dict[str, Any]:
    drawn, count = pictures(view.board, view.metric, less=view.less)
    return {"pictures": drawn, "drawn": count, "measured": len(view.board.measured(view.metric, down=view.down))}


def _falls(metric: str) -> bool:
    """Say whether less of a metric is better, by what it is called.

    >>> _falls("metrics.loss"), _falls("score.ndcg@10")
    (True, False)
    """
    name = metric.rpartition(".")[2].lower()
    return any(word in name for word in ("loss", "error", "rmse", "mae", "mse", "off", "seconds", "latency"))


def _launched(site: Site, run: RunRecord, board: Board) -> str:
    try:
        workflow = site.store.records.registered_workflow(base_of(run))
    except UnknownRecord:
        return ""
    return workflow.name if _addresses(workflow.plan).issuperset(board.sweep.variables) else ""


@lru_cache(maxsize=16)
def _addresses(plan: str) -> frozenset[str]:
    """Return the addresses of a workflow's settings; a plan of many points is long, and asked about every second."""
    return frozenset(field.address for field in form_of(json.loads(plan)).fields.values())
