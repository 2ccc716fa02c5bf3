"""`kaon logs RUN [STEP]`: what the steps of a run said."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Home, RunId
from .refusals import CallError

if TYPE_CHECKING:
    from kaon.artifacts import Message, RunRecord, State, Store

    from .selection import Selection

EVERY = 0.5
"""Seconds between two looks for something new."""
MARGIN = "\n          "
"""Begins the further lines of a message."""
PAGE = 1000
"""Messages that are read at once."""


def logs(
    run: RunId,
    step: Annotated[
        str | None,
        typer.Argument(
            metavar="STEP",
            help="A step's name or path, or one item of it: train\\[market=CA]; of a sweep also train\\[point=4], by "
            "the number in its leaderboard.",
        ),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only of steps that failed.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Print what steps logged and told while they ran, the oldest first."""
    from kaon.artifacts import open_store

    from .described import described_message
    from .found import found_run
    from .printed import print_json_rows
    from .selection import selected, selection

    store = open_store()
    record = found_run(store, run)
    if as_json and follow:
        raise CallError("--json is one list, and --follow has no end", fix="give one of them")
    chosen = None if step is None else selection(store, store.records.overview(record.id), step)
    if chosen is not None and not follow and next(selected(store, record.id, chosen), None) is None:
        fix = f"kaon status {record.id} --all lists its steps and items"
        raise CallError(f"run {record.id} has run no {step!r}", why="none of its steps is for this item", fix=fix)
    log = Log(store, record, chosen, ("failed",) if failed else None)
    if as_json:
        print_json_rows(None, "messages", map(described_message, log.new()))
        return
    try:
        while True:
            goes_on = follow and store.records.run(record.id).state not in log.over
            for message in log.new():
                text = _text(message).replace("\n", MARGIN)
                print(f"{message.time.astimezone():%H:%M:%S}  {log.place(message)}  {text}", flush=follow)
            if not goes_on:
                return
            time.sleep(EVERY)
    except KeyboardInterrupt:
        raise typer.Exit from None


@dataclass(slots=True)
class Log:
    """The messages of a run, read a page at a time."""

    store: "Store"
    run: "RunRecord"
    chosen: "Selection | None" = None
    states: Sequence["State"] | None = None
    over: tuple[str, ...] = ("completed", "failed", "cancelled", "held")
    """States of a run in which nothing is said any more."""
    _after: int = 0
    _places: dict[int, str] = field(default_factory=dict)
    """Where the steps of the present page stand, by their ids."""
    _meant: set[int] = field(default_factory=set)
    """Those of them whose messages are wanted."""

    def new(self) -> Iterator["Message"]:
        """Yield the messages since the last one that was yielded."""
        path = None if self.chosen is None else self.chosen.path
        while page := self.store.records.messages(self.run.id, path, self._after, PAGE, states=self.states):
            self._look_up({message.step_run for message in page if message.step_run is not None})
            for message in page:
                self._after = message.id
                if self.chosen is None or message.step_run in self._meant:
                    yield message

    def place(self, message: "Message") -> str:
        """Return which step said a message of the present page, with its items and attempts."""
        return self._places.get(message.step_run or 0, self.run.workflow)

    def _look_up(self, ids: set[int]) -> None:
        """Find the steps with these ids, those that lie together in one query."""
        from .printed import place

        known = {step: where for step, where in self._places.items() if step in ids}
        meant = self._meant & ids
        while missing := sorted(ids - known.keys()):
            first = missing[0]
            for step in self.store.records.step_runs(self.run.id, after_id=first - 1, limit=PAGE, history=True):
                known[step.id] = place(step)
                meant |= {step.id} if self.chosen is not None and self.chosen.holds(step) else set()
        self._places, self._meant = known, meant


def _text(message: "Message") -> str:
    payload = message.payload if isinstance(message.payload, dict) else {}
    values = payload.get("values")
    numbers = dict(values) if isinstance(values, dict) else {}
    if message.kind == "progress" and "fraction" in numbers:
        return f"{numbers['fraction']:4.0%} {message.text}".rstrip()
    at = f" at {payload['at']}" if payload.get("at") is not None else ""
    shown = " ".join(f"{name}={value:g}" for name, value in numbers.items())
    return f"{message.text} {shown}{at if shown else ''}".strip()
