"""Sweeps and loops that are looked at while others write: nothing is missed, whoever commits first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event
from tests.artifacts.stores import Work, empty_postgres

from kaon.artifacts import Begin, Begun, Ending, Message, NewOutput, Store, digest_bytes, open_store
from kaon.artifacts.records.points import PointStep
from kaon.artifacts.records.runs import now
from kaon.artifacts.sweeping import Board, Sweep
from kaon.artifacts.web.loop_items import LoopItems

SWEPT = Sweep("flow/sweep", ("x",), 9, ("flow/sweep/score",), "score", False, frozenset())
PATHS = ("flow/sweep/fit", "flow/sweep/score")


def begin(work: Work, *points: int, path: str = PATHS[1]) -> list[int]:
    """Begin a step of some points, and return its step runs."""
    answers = work.store.begin_steps(work.lease, [Begin(path, path, (("x", x),)) for x in points])
    return [answer.step_run for answer in answers if isinstance(answer, Begun)]


def measure(work: Work, step_run: int, value: float) -> None:
    """End a step of a point with the number that it gave."""
    digest = digest_bytes(repr(value).encode())
    output = NewOutput("score", "json", digest, 1, {"value": value}, repr(value).encode())
    ending = Ending(step_run, "completed", "", outputs=(output,), messages=(Message(now(), "info", "log", f"{value}"),))
    work.store.finish_steps(work.lease, [ending])


def say(work: Work, text: str) -> None:
    """Record a log line of the run."""
    work.store.records.add_messages(work.lease, [(None, Message(now(), "info", "log", text))])


def refreshed(board: Board) -> dict[object, float | None]:
    """Return what is known of the points now: what each came to."""
    board.refresh(1, over=False)
    return {point.values["x"]: point.metrics.get("score") for point in board.points.values()}


@contextmanager
def held_at_its_commit(store: Store, write: Callable[[], object]) -> Iterator[None]:
    """Let a thread write, and keep what it wrote from being committed while the block runs."""
    written, may_commit = threading.Event(), threading.Event()
    writer = threading.Thread(target=write)

    def wait(_: Connection) -> None:
        if threading.current_thread() is writer:
            written.set()
            assert may_commit.wait(30)

    engine = store.records.database._engine
    event.listen(engine, "commit", wait)
    writer.start()
    try:
        assert written.wait(30)
        yield
    finally:
        may_commit.set()
        writer.join(30)
        event.remove(engine, "commit", wait)
    assert not writer.is_alive()


def both(
    store: Store, first: Callable[[], object], second: Callable[[], object], between: Callable[[], object]
) -> None:
    """Let two threads write at once: the second begins when all of the first is written, and not committed."""
    other = threading.Thread(target=second)
    with held_at_its_commit(store, first):
        other.start()
        other.join(1)
        between()
    other.join(30)
    assert not other.is_alive()


@pytest.fixture(params=[pytest.param("postgres", marks=pytest.mark.postgres)])
def shared(tmp_path: Path) -> Iterator[Work]:
    """A run in a store with records in PostgreSQL, where transactions overlap; SQLite's writers queue by themselves."""
    opened = open_store(f"{tmp_path.as_uri()}?records={empty_postgres()}")
    yield Work(opened, opened.records.start_run("flow", {}, "{}", "local", {}).lease)
    opened.records.database.close()


def test_a_point_that_began_first_and_is_committed_last_is_not_missed(shared: Work) -> None:
    board, loop = Board(shared.store, shared.run, SWEPT), LoopItems(shared.store.records, shared.run, PATHS)

    def look() -> None:
        refreshed(board)
        loop.refresh(1)

    both(shared.store, lambda: begin(shared, 1, 2), lambda: begin(shared, 3, 4), look)
    look()

    assert {point.values["x"] for point in board.points.values()} == {1, 2, 3, 4}
    assert loop.counts(dead=False) == {"running": 4}


def test_a_number_that_was_written_first_and_is_committed_last_is_not_missed(shared: Work) -> None:
    board = Board(shared.store, shared.run, SWEPT)
    one, two = begin(shared, 1, 2)

    both(
        shared.store,
        lambda: measure(shared, one, 0.1),
        lambda: measure(shared, two, 0.2),
        lambda: refreshed(board),
    )

    assert refreshed(board) == {1: 0.1, 2: 0.2}


def test_a_log_line_that_was_written_first_and_is_committed_last_is_not_missed(shared: Work) -> None:
    records, run = shared.store.records, shared.run
    seen: list[Message] = []

    def look() -> None:
        seen.extend(records.log(run, None, after=seen[-1].id if seen else 0))

    both(shared.store, lambda: say(shared, "one"), lambda: say(shared, "two"), look)
    look()

    assert [message.text for message in seen] == ["one", "two"]


def test_another_run_that_writes_at_the_same_time_does_not_hide_a_point(shared: Work) -> None:
    board, other = Board(shared.store, shared.run, SWEPT), shared.another()
    beside = Board(shared.store, other.run, SWEPT)

    both(shared.store, lambda: begin(shared, 1), lambda: begin(other, 2), lambda: (refreshed(board), refreshed(beside)))

    assert (refreshed(board), refreshed(beside)) == ({1: None}, {2: None})


def test_a_point_that_ends_while_a_board_is_read_is_measured(store: Store, work: Work, monkeypatch: pytest.MonkeyPatch):
    board = Board(store, work.run, SWEPT)
    measure(work, *begin(work, 1), 0.1)
    read = store.records.point_steps

    def read_and_go_on(*asked: object, **more: object) -> list[PointStep]:
        found = read(*asked, **more)  # type: ignore[arg-type]
        monkeypatch.undo()
        measure(work, *begin(work, 2), 0.2)
        return found

    monkeypatch.setattr(store.records, "point_steps", read_and_go_on)
    first = refreshed(board)

    assert (first, refreshed(board)) == ({1: 0.1}, {1: 0.1, 2: 0.2})


def test_a_board_and_a_loop_take_in_so_many_steps_at_once_and_say_whether_that_was_all(store: Store, work: Work):
    board, loop = Board(store, work.run, SWEPT), LoopItems(store.records, work.run, PATHS)
    for x, step_run in enumerate(begin(work, *range(5))):
        measure(work, step_run, x / 10)

    looks = [board.refresh(1, over=True, most=2) for _ in range(3)]
    loops = [loop.refresh(1, most=3) for _ in range(2)]

    assert looks == [False, False, True] and loops == [False, True]
    assert refreshed(board) == {x: x / 10 for x in range(5)}
    assert loop.counts(dead=False) == {"completed": 5}
