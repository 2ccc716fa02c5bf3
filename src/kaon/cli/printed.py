"""How values look on the terminal: times, states, tables, JSON."""

import dataclasses
import json
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod
    from rich.table import Table

    from kaon.artifacts import StepRecord

WIDTH_OF_A_PIPE = 240
"""Characters of a line where output goes to a file or another command: nothing is wrapped for a screen."""
WORD = 11
"""Characters of a word that is not broken on a narrow terminal: `small_sweep`, `2026-11-28`, `completed`."""

STATE_STYLES = {
    "completed": "green",
    "skipped": "cyan",
    "running": "yellow",
    "retrying": "yellow",
    "activated": "dim",
    "pending": "dim",
    "held": "magenta",
    "failed": "bold red",
    "cancelled": "dim red",
}
STATE_SIGNS = {
    "completed": "✓",
    "skipped": "↷",
    "running": "●",
    "retrying": "↻",
    "activated": "·",
    "pending": "·",
    "held": "‖",
    "failed": "✗",
    "cancelled": "–",
}


def console() -> "Console":
    """Return the terminal, or the pipe, that output goes to."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_PIPE)


def print_json(value: object) -> None:
    """Print a value as indented JSON: dataclasses as objects, times in ISO form."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def print_json_rows(head: Mapping[str, object] | None, name: str, rows: Iterable[object]) -> None:
    """Print a JSON object whose last field is a list of any length, written row by row; without a head, the list."""
    if head is not None:
        opening = json.dumps({**head, name: []}, indent=2, ensure_ascii=False, default=_plain)
        print(opening.removesuffix("[]\n}"), end="")
    empty = True
    for row in rows:
        text = json.dumps(row, indent=2, ensure_ascii=False, default=_plain)
        print(f"{'[' if empty else ','}\n{textwrap.indent(text, '  ')}", end="")
        empty = False
    print("[]" if empty else "\n]")
    if head is not None:
        print("}")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> "Table":
    """Return a table without a frame; columns named in `right` are flush right, wide ones wrap.

    On a narrow terminal lines break between words: a number, a state or a date is not cut in two.
    """
    from rich.markup import escape
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    listed = list(rows)
    for at, column in enumerate(columns):
        justify: JustifyMethod = "right" if column in right else "left"
        words = " ".join((column, *(row[at] for row in listed))).split()
        made.add_column(column, justify=justify, overflow="fold", min_width=min(max(map(len, words)), WORD))
    for row in listed:
        made.add_row(*(_styled_state(cell) if cell in STATE_STYLES else escape(cell) for cell in row))
    return made


def moment(time: datetime) -> str:
    """Return a time in the user's time zone, to the second."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def lasted(started: datetime, ended: datetime | None) -> float:
    """Return the seconds from start to end, or until now."""
    return ((ended or datetime.now(UTC)) - started).total_seconds()


def items(keys: Iterable[tuple[str, object]]) -> str:
    """Return loop items in words.

    >>> items((("market", "CA"), ("rank", 8)))
    'market=CA, rank=8'
    """
    return ", ".join(f"{name}={value}" for name, value in keys)


def place(step: "StepRecord") -> str:
    """Return where a step stands in its workflow, with its items and attempts: `repeat[1]/for_each[market=ca]/fit`."""
    from kaon.dsl.backends.failures import placed_path

    return placed_path(step.path, step.keys, step.attempt).partition("/")[2]


def _styled_state(state: str) -> str:
    return f"[{STATE_STYLES[state]}]{state}[/]"


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
