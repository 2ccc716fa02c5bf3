"""A shard: many items of a wide loop, driven at once, their calls handed to one worker in batches.

Nothing waits for a slow item: an item whose step has ended goes on as soon as there is room. Calls are opened and
closed in batches, one transaction each; how many are in a batch follows from how long they take.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, assert_never

from ..context import Message
from ..events import Event, StepEvent
from .calls import Calls, Closing, Opened, Reused, Waits
from .effects import Abandon, Each, Effects, HandedOn, Invocation, Item, Run, Together
from .failures import Stopped
from .frame import Frame
from .interpret import Interpreter
from .pace import BATCH, BATCH_SECONDS, Pace
from .perform import Broken, Performed
from .session import Session

CLOSE_EVERY = 0.5
"""Seconds after which what has ended of a batch is recorded, though others of it have not."""
LOOK_AGAIN = 0.2
"""Seconds between two looks at a step that another run is making."""
CRASHES = 3
"""Worker processes that one call may lose, besides its retries, before it is said to be what kills them."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A call of a batch that has ended."""

    index: int
    result: Performed | Broken


@dataclass(frozen=True, slots=True)
class Crashed:
    """The worker died while it ran a call of a batch; what follows in the batch has not run."""

    index: int
    why: str


class Worker(Protocol):
    """Performs batches of calls, in this process or in another."""

    def perform(self, batch: Sequence[Opened], hear: Callable[[Opened, Message], None]) -> Iterator[Ended | Crashed]:
        """Perform the calls in their order, and yield what happens as it does; a crash is the last."""
        ...


@dataclass(slots=True)
class _Strand:
    """A part of an item that goes on by itself: its effects, and what follows when they have ended."""

    effects: Effects
    parent: "_Join | None" = None
    place: int = 0
    performed: bool = False
    """Whether a call of this item of the shard was performed rather than reused."""


@dataclass(slots=True)
class _Join:
    """Strands that another one waits for."""

    strand: _Strand | None
    """The one that waits; None for the shard itself."""
    each: Each | None
    frames: dict[int, Frame]
    ended: list[Any]
    left: int
    upcoming: Iterator[tuple[int, Item]] = field(default_factory=lambda: iter(()))
    at_once: int | None = None
    running: int = 0


class Shard:
    """Drives the items of one loop, or of a part of it, to their ends.

    count: is told of each item that has ended how it stopped, if it did, and whether all of it was reused.
    """

    def __init__(
        self,
        session: Session,
        interpreter: Interpreter,
        worker: Worker,
        count: Callable[[Stopped | None, bool], None],
        pace: Pace,
    ) -> None:
        self._session = session
        self._calls = Calls(session, self._tell)
        self._interpreter = interpreter
        self._worker = worker
        self._count = count
        self._ready: deque[tuple[_Strand, Any, Stopped | None]] = deque()
        self._queue: deque[tuple[_Strand, Invocation]] = deque()
        self._again: list[tuple[float, int, _Strand, Invocation | Opened]] = []
        """Calls to look at again, by when: those that another run is making, and those to be retried."""
        self._joins: list[_Join] = []
        self._crashes: dict[int, int] = {}
        self._opened: deque[tuple[_Strand, Opened]] = deque()
        self._pace = pace
        self._eager = 1
        """How many times as many calls are opened at once: it grows while all of them are reused."""
        self._ticket = 0

    def run(self, each: Each, at_once: int | None = None) -> list[HandedOn | Stopped]:
        """Run the items to their ends and return what each hands on, or how it stopped.

        at_once: how many items may be under way at the same time; None: as many as make a batch.
        """
        whole = self._join(None, each, at_once)
        while whole.left:
            self._advance()
            batch = self._batch()
            if batch:
                self._perform(batch)
            elif not self._ready and not self._queue and not self._opened and whole.left:
                self._wait()
        return whole.ended

    def _join(self, strand: _Strand | None, each: Each, at_once: int | None) -> _Join:
        count = len(each.items)
        join = _Join(strand, each, {}, [None] * count, count, enumerate(each.items), at_once or each.loop.at_once)
        self._joins.append(join)
        return join

    def _advance(self) -> None:
        """Let every strand go on that can, and begin items until a batch is full."""
        while True:
            while self._ready:
                self._step(*self._ready.popleft())
            if len(self._queue) >= self._pace.room * self._eager or not self._begin_item():
                return

    def _begin_item(self) -> bool:
        """Begin one more item of the innermost loop that has one; return whether there was one."""
        for join in reversed(self._joins):
            if join.at_once is not None and join.running >= join.at_once:
                continue
            place, item = next(join.upcoming, (-1, None))
            if item is None:
                continue
            assert join.each is not None, "only loops have items"
            frame = self._interpreter.item_frame(join.each.loop, join.each.frame, item)
            join.frames[place] = frame
            join.running += 1
            effects = self._interpreter.run(join.each.loop.body, frame)
            self._ready.append((_Strand(effects, join, place), None, None))
            return True
        return False

    def _step(self, strand: _Strand, reply: Any, stopped: Stopped | None) -> None:
        """Send a strand what came of its last effect, and take up the next."""
        try:
            effect = strand.effects.send(reply) if stopped is None else strand.effects.throw(stopped)
        except StopIteration:
            self._ended(strand, None)
            return
        except Stopped as error:
            self._ended(strand, error)
            return
        match effect:
            case Run(invocation) if _root(strand).performed:  # before those of items that have not begun
                self._queue.appendleft((strand, invocation))
            case Run(invocation):
                self._queue.append((strand, invocation))
            case Together(branches):
                join = _Join(strand, None, {}, [None] * len(branches), len(branches))
                for place, branch in enumerate(branches):
                    self._ready.append((_Strand(branch, join, place), None, None))
                if not branches:
                    self._ready.append((strand, [], None))
            case Each():
                if effect.items:
                    self._join(strand, effect, None)
                else:
                    self._ready.append((strand, [], None))
            case Abandon():
                self._calls.abandon(effect)
                self._ready.append((strand, None, None))
            case _:
                assert_never(effect)

    def _ended(self, strand: _Strand, stopped: Stopped | None) -> None:
        """Note the end of a strand, and let go on what waited for it."""
        join = strand.parent
        assert join is not None, "every strand belongs to a loop or to branches"
        end: Any = stopped
        if join.each is not None:
            frame = join.frames.pop(strand.place)
            end = self._interpreter.handed_on(join.each.loop, frame) if stopped is None else stopped
            join.running -= 1
            if join.strand is None:
                self._count(stopped, not strand.performed)
        join.ended[strand.place] = end
        join.left -= 1
        if join.left == 0:
            if join.each is not None:
                self._joins.remove(join)
            if join.strand is not None:
                self._ready.append((join.strand, join.ended, None))

    def _batch(self) -> list[tuple[_Strand, Opened]]:
        """Return the calls to perform next: retries that are due, then new ones."""
        if self._session.stopping:
            self._give_up()
        self._take_due()
        if not self._opened and self._queue:
            self._open()
        batch: list[tuple[_Strand, Opened]] = []
        seconds = 0.0
        while self._opened and len(batch) < BATCH:
            seconds += self._pace.cost(self._opened[0][1].invocation.call.path)
            if batch and seconds > BATCH_SECONDS:
                break
            batch.append(self._opened.popleft())
        return batch

    def _take_due(self) -> None:
        """Take up what was to be looked at again by now."""
        now = time.monotonic()
        restarted: list[Opened] = []
        while self._again and self._again[0][0] <= now:
            _, _, strand, call = heapq.heappop(self._again)
            if isinstance(call, Opened):
                self._opened.append((strand, call))
                restarted += [call] if call.tries > 1 else []
            else:
                self._queue.append((strand, call))
        if restarted:
            self._calls.restart(restarted)

    def _open(self) -> None:
        """Open calls, and let the strands go on whose calls need not be performed."""
        fresh: list[tuple[_Strand, Invocation]] = []
        seconds = 0.0
        while self._queue and len(fresh) < BATCH:
            seconds += self._pace.cost(self._queue[0][1].call.path) / self._eager
            if fresh and seconds > BATCH_SECONDS:
                break
            fresh.append(self._queue.popleft())
        found = self._calls.open([invocation for _, invocation in fresh])
        for (strand, invocation), one in zip(fresh, found, strict=True):
            match one:
                case Opened():
                    _root(strand).performed = True
                    self._opened.append((strand, one))
                case Reused():
                    self._ready.append((strand, one.outputs, None))
                case Stopped():
                    self._ready.append((strand, None, one))
                case Waits():
                    self._look_again(LOOK_AGAIN, strand, invocation)
        self._eager = 1 if self._opened else min(4 * self._eager, BATCH)

    def _give_up(self) -> None:
        """Let go of what waits for another try: the run is to stop."""
        waiting = [*((strand, call) for _, _, strand, call in self._again), *self._opened]
        self._again.clear()
        self._opened.clear()
        retried = [call for _, call in waiting if isinstance(call, Opened)]
        if retried:
            self._calls.cancel(retried, self._session.stopping)
        self._ready.extend((strand, None, Stopped()) for strand, _ in waiting)

    def _perform(self, batch: list[tuple[_Strand, Opened]]) -> None:
        """Have the worker perform a batch, and close what has ended."""
        closed = time.monotonic()
        left = dict(enumerate(batch))
        closings: list[tuple[_Strand, Closing]] = []
        took: dict[str, list[float]] = {}
        try:
            for reply in self._worker.perform([opened for _, opened in batch], self._calls.hear):
                match reply:
                    case Ended(index, result):
                        strand, opened = left.pop(index)
                        took.setdefault(opened.invocation.call.path, []).append(result.seconds)
                        self._take(strand, opened, result, closings)
                    case Crashed(index, why):
                        self._crashed(index, why, left, closings)
                if time.monotonic() - closed > CLOSE_EVERY:
                    self._close(closings)
                    closed = time.monotonic()
        except BaseException:
            if self._session.fenced is None and not self._session.ended:
                self._close(closings)
            self._calls.cancel([opened for _, opened in left.values()], self._session.stopping or "interrupted")
            raise
        self._close(closings)
        self._opened.extendleft(reversed(left.values()))  # the worker died before their turn
        for path, seconds in took.items():
            self._pace.learn(path, sum(seconds) / len(seconds))

    def _take(
        self, strand: _Strand, opened: Opened, result: Performed | Broken, closings: list[tuple[_Strand, Closing]]
    ) -> None:
        """Take what a try came to: its end, or a retry later."""
        if isinstance(result, Broken) and opened.may_retry and not self._session.stopping:
            self._look_again(self._calls.retry(opened, result), strand, opened)
            return
        if isinstance(result, Broken):
            self._calls.log(opened, result)
        closings.append((strand, Closing(opened, result)))

    def _crashed(
        self,
        index: int,
        why: str,
        left: dict[int, tuple[_Strand, Opened]],
        closings: list[tuple[_Strand, Closing]],
    ) -> None:
        """Run again what was running when the worker died, unless it has killed too many."""
        strand, opened = left.pop(index)
        self._calls.hear(opened, Message("log", f"its worker process died: {why}"))
        crashes = self._crashes[opened.step_run] = self._crashes.get(opened.step_run, 0) + 1
        if crashes < CRASHES + opened.invocation.call.retries:
            self._look_again(0.0, strand, opened)
            return
        broken = Broken(f"WorkerDied: {why}; {crashes} worker processes died while they ran it")
        self._calls.log(opened, broken)
        closings.append((strand, Closing(opened, broken)))

    def _close(self, closings: list[tuple[_Strand, Closing]]) -> None:
        if not closings:
            return
        ended = self._calls.close([closing for _, closing in closings])
        for (strand, _), end in zip(closings, ended, strict=True):
            stopped = end if isinstance(end, Stopped) else None
            self._ready.append((strand, None if isinstance(end, Stopped) else end.outputs, stopped))
        closings.clear()

    def _tell(self, event: Event) -> None:
        """Tell of failures and holds only: the tally tells of the rest."""
        if isinstance(event, StepEvent) and event.state in ("failed", "held"):
            self._session.tell(event)

    def _look_again(self, delay: float, strand: _Strand, call: Invocation | Opened) -> None:
        self._ticket += 1
        heapq.heappush(self._again, (time.monotonic() + delay, self._ticket, strand, call))

    def _wait(self) -> None:
        """Wait until a call is to be looked at again."""
        assert self._again, "items that have not ended wait for something"
        self._session.halted.wait(max(0.0, min(1.0, self._again[0][0] - time.monotonic())))


def _root(strand: _Strand) -> _Strand:
    """Return the item of the shard that a strand belongs to."""
    while strand.parent is not None and strand.parent.strand is not None:
        strand = strand.parent.strand
    return strand
