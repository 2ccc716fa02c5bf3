"""The live display: a tree that follows the plan, or lines where output is no terminal."""

import io
from collections.abc import Mapping

import pytest
from rich.console import Console

from kaon import for_each, repeat, step, when, workflow
from kaon.cli.board import Board
from kaon.cli.live import Lines, live
from kaon.cli.tree import Screen
from kaon.dsl import Plan
from kaon.dsl.events import Event, ItemsEvent, ProgressEvent, RunEvent, StepEvent


@step(output="markets")
def find(*, many: int = 2) -> list[str]:
    return [f"m{number}" for number in range(many)]


@step(output="total")
def count(markets: list[str]) -> int:
    return len(markets)


@step(output="model")
def fit(market: str, *, rank: int = 8) -> str:
    return market


@step(output="score")
def judge(model: str) -> float:
    return 0.5


@step(output="good")
def choose(total: int, score: Mapping[str, float]) -> bool:
    return True


@step
def tell(total: int) -> None:
    pass


PLAN: Plan = workflow(
    "demo",
    find
    >> repeat(until="good", at_most=3).do([count, for_each(market="markets").do(fit >> judge)] >> choose)
    >> when("good").do(tell),
).plan
PATHS = {call.step: call.path for call in PLAN.calls()}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def changed(
    step: str, state: str, *, market: str = "", attempt: int = 0, reason: str = "", seconds: float = 0
) -> Event:
    keys = (("market", market),) if market else ()
    return StepEvent(PATHS[step], step, keys, (attempt,) if attempt else (), state, reason, seconds)  # type: ignore[arg-type]


def drawn(plan: Plan, board: Board, *, width: int = 100, height: int = 50) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, highlight=False)
    console.print(Screen(plan, board))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def screen(*events: Event, clock: Clock | None = None, width: int = 100, height: int = 50) -> str:
    board = Board(clock or Clock())
    for event in events:
        board.hear(event)
    return drawn(PLAN, board, width=width, height=height)


LOOP = PATHS["fit"].rpartition("/")[0]


def stand(total: int, seconds: float, **counts: int) -> Event:
    return ItemsEvent(LOOP, (), (1,), total, counts, seconds)  # type: ignore[arg-type]


def test_before_the_run_begins_the_tree_is_the_plan() -> None:
    assert screen() == (
        "demo starting …\n"
        "├── · find\n"
        "├── repeat until good\n"
        "│   ├── parallel\n"
        "│   │   ├── · count\n"
        "│   │   └── for_each market\n"
        "│   │       ├── · fit\n"
        "│   │       └── · judge\n"
        "│   └── · choose\n"
        "└── when good\n"
        "    └── · tell\n"
    )


def test_every_branch_and_item_shows_its_state_progress_time_and_reason() -> None:
    assert screen(
        RunEvent(7, "running"),
        changed("find", "skipped", reason="same code, settings and inputs as run 6"),
        changed("count", "running", attempt=1),
        changed("count", "completed", attempt=1, seconds=75),
        changed("fit", "running", market="m0", attempt=1),
        ProgressEvent(PATHS["fit"], "fit", (("market", "m0"),), (1,), 0.5, "epoch 4 of 8"),
        changed("fit", "failed", market="m1", attempt=1, reason="ValueError: no [ratings]\nmore"),
        changed("judge", "cancelled", market="m1", attempt=1, reason="fit failed"),
    ) == (
        "demo run 7, 0 ms\n"
        "├── ↷ find skipped: same code, settings and inputs as run 6\n"
        "├── repeat until good: attempt 1 of at most 3\n"
        "│   ├── parallel\n"
        "│   │   ├── ✓ count 1 min 15 s\n"
        "│   │   └── for_each market: 1 failed, 1 running\n"
        "│   │       ├── market=m0\n"
        "│   │       │   ├── ● fit 0 ms ━━━━━━━━────────  50% epoch 4 of 8\n"
        "│   │       │   └── · judge\n"
        "│   │       └── market=m1\n"
        "│   │           ├── ✗ fit failed: ValueError: no [ratings]\n"
        "│   │           └── – judge cancelled: fit failed\n"
        "│   └── · choose\n"
        "└── when good\n"
        "    └── · tell\n"
    )


def test_a_further_attempt_replaces_the_one_before_on_the_screen() -> None:
    shown = screen(
        changed("count", "completed", attempt=1, seconds=2),
        changed("fit", "completed", market="m0", attempt=1, seconds=2),
        changed("choose", "completed", attempt=1, seconds=2),
        changed("count", "running", attempt=2),
    )

    assert "repeat until good: attempt 2 of at most 3" in shown
    assert "● count" in shown
    assert "· choose" in shown
    assert "market=m0" not in shown


def test_a_wide_loop_shows_how_many_items_are_where_and_only_those_that_run_or_failed() -> None:
    done = [changed(step, "completed", market=f"m{n}", attempt=1) for n in range(30) for step in ("fit", "judge")]
    shown = screen(*done, changed("fit", "running", market="m31", attempt=1), changed("fit", "completed", market="m32"))

    assert "for_each market: 30 completed, 1 running" in shown
    assert "market=m31" in shown
    assert "market=m0" not in shown


def test_an_item_is_complete_once_every_step_of_its_body_is() -> None:
    half = screen(changed("fit", "completed", market="m0", attempt=1))
    whole = screen(*(changed(step, "completed", market="m0", attempt=1) for step in ("fit", "judge")))

    assert "for_each market: 1 running" in half
    assert "for_each market: 1 completed" in whole


WIDE = (
    RunEvent(7, "running"),
    changed("find", "completed", seconds=1),
    changed("count", "completed", attempt=1, seconds=1),
    stand(10_000, 2.0, completed=3_000),
)


def test_a_loop_in_worker_processes_is_a_bar_with_numbers_rate_time_left_and_the_latest_failures() -> None:
    clock = Clock()
    board = Board(clock)
    for event in WIDE:
        board.hear(event)
    clock.now += 2
    board.hear(stand(10_000, 4.0, completed=6_700, skipped=300, failed=7))
    for number in range(7):
        board.hear(changed("fit", "failed", market=f"m{number}", attempt=1, reason="ValueError: no ratings"))

    assert "\n".join(drawn(PLAN, board, width=80).splitlines()[3:12]) == (
        "│   ├── parallel\n"
        "│   │   ├── ✓ count 1.0 s\n"
        "│   │   └── for_each market ━━━━━━━━━━━━━━━━────────  70%  2,004/s  1.5 s left\n"
        "│   │         6,700 completed, 300 skipped, 7 failed, 2,993 to go\n"
        "│   │       ├── ✗ fit (market=m6, attempt 1) ValueError: no ratings\n"
        "│   │       ├── ✗ fit (market=m5, attempt 1) ValueError: no ratings\n"
        "│   │       ├── ✗ fit (market=m4, attempt 1) ValueError: no ratings\n"
        "│   │       ├── ✗ fit (market=m3, attempt 1) ValueError: no ratings\n"
        "│   │       ├── ✗ fit (market=m2, attempt 1) ValueError: no ratings"
    )
    assert "… and 2 more that failed: kaon status 7 --failed" in drawn(PLAN, board)


def test_on_a_wide_terminal_a_loop_is_one_line() -> None:
    shown = screen(*WIDE, stand(10_000, 5.0, completed=10_000), width=120)

    assert "for_each market ━━━━━━━━━━━━━━━━━━━━━━━━ 100%  in 5.0 s  2,000/s  10,000 completed\n" in shown


def test_the_rate_is_that_of_the_last_seconds_and_nothing_is_left_where_nothing_ends() -> None:
    clock = Clock()
    board = Board(clock)
    for second in range(30):
        clock.now = 100.0 + second
        board.hear(stand(1_000, float(second), completed=min(10 * second, 150)))
    tally = board.tally(LOOP, (), (1,))
    assert tally is not None

    assert str(tally) == "15%: 150 completed, 850 to go, 0/s"


def test_where_the_terminal_is_low_what_is_done_or_not_begun_takes_one_line() -> None:
    done = [changed(step, "completed", market=f"m{n}", attempt=1) for n in range(4) for step in ("fit", "judge")]
    events = (
        RunEvent(7, "running"),
        changed("find", "completed"),
        changed("count", "completed", attempt=1),
        *done,
        changed("choose", "running", attempt=1),
    )

    assert len(screen(*events).splitlines()) > 20
    assert screen(*events, height=12) == (
        "demo run 7, 0 ms\n"
        "├── ✓ find 0 ms\n"
        "├── repeat until good: attempt 1 of at most 3\n"
        "│   ├── ✓ parallel 9 steps done\n"
        "│   └── ● choose 0 ms\n"
        "└── when good\n"
        "    └── · tell\n"
    )


def test_a_step_that_waits_for_a_person_shows_the_question() -> None:
    assert "‖ choose held: publish to production?" in screen(
        changed("choose", "held", attempt=1, reason="publish to production?")
    )


def test_elsewhere_each_change_is_a_line_and_progress_one_now_and_then() -> None:
    clock = Clock()
    lines: list[str] = []
    heard = Lines(lines.append, clock).hear
    heard(RunEvent(7, "running"))
    heard(changed("fit", "running", market="m0", attempt=2))
    for second in range(1, 26):
        clock.now = 100.0 + second
        heard(ProgressEvent(PATHS["fit"], "fit", (("market", "m0"),), (2,), second / 26, f"epoch {second}"))
    heard(changed("fit", "completed", market="m0", attempt=2, seconds=25))
    heard(changed("judge", "skipped", market="m0", attempt=2, reason="same code, settings and inputs as run 6"))
    heard(RunEvent(7, "completed"))

    assert lines == [
        "    0.0 s  ● run 7",
        "    0.0 s  ● fit (market=m0, attempt 2) running",
        "   10.0 s    fit (market=m0, attempt 2) 38% epoch 10",
        "   20.0 s    fit (market=m0, attempt 2) 77% epoch 20",
        "   25.0 s  ✓ fit (market=m0, attempt 2) completed in 25.0 s",
        "   25.0 s  ↷ judge (market=m0, attempt 2) skipped: same code, settings and inputs as run 6",
    ]


def test_elsewhere_a_wide_loop_is_a_line_now_and_then_and_its_first_failures() -> None:
    clock = Clock()
    lines: list[str] = []
    heard = Lines(lines.append, clock).hear
    for tick in range(25):
        clock.now = 100.0 + tick / 2
        heard(stand(100, tick / 2, completed=3 * tick, failed=tick))
        heard(changed("fit", "failed", market=f"m{tick}", attempt=1, reason="ValueError: no ratings"))
    heard(stand(100, 12.5, completed=75, failed=25))

    assert [line for line in lines if "✗" not in line] == [
        "    5.0 s    for_each[market] 40%: 30 completed, 10 failed, 60 to go, 8.0/s, 7.5 s left",
        "   10.0 s    for_each[market] 80%: 60 completed, 20 failed, 20 to go, 8.0/s, 2.5 s left",
        "   10.0 s    more failures in for_each[market] are not told here: kaon status None --failed",
        "   12.0 s    for_each[market] 100%: 75 completed, 25 failed, in 12.5 s, 8.0/s",
    ]
    assert sum("✗ fit (market=m" in line for line in lines) == 20


def test_on_a_terminal_the_tree_is_drawn_and_stays(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80)
    with live(PLAN, terminal) as heard:
        heard(RunEvent(3, "running"))
        heard(changed("find", "completed", seconds=1))

    drawn = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "✓ find" in drawn
    assert drawn.rstrip().endswith("\x1b[?25h")
