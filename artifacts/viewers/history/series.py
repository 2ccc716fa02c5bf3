"""Numbers of several names over runs, as lines that break where a run has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...json_form import Json
from ..blocks import Block, Cell, Grid, Note, RunLink
from ..charts import lines
from ..moment import Moment
from ..said import is_number

MOST = 12
"""Lines of one chart; more cannot be told apart."""


def over_runs(
    named: Sequence[Mapping[str, float]], moments: Sequence[Moment], title: str, description: str, up: str = "value"
) -> list[Block]:
    """Return a chart of the numbers and a table of them, newest run first.

    named: for each moment its numbers by name; a name that is missing there is a gap in its line.
    """
    names = list(dict.fromkeys(name for numbers in named for name in numbers))
    if not names:
        return [Note("None of these runs has a number to show.")]
    rows: list[Mapping[str, Json]] = [
        {"run": moment.run, "series": name, up: _drawn(numbers.get(name)), "link": RunLink(moment.run).to}
        for name in names[:MOST]
        for moment, numbers in zip(moments, named, strict=True)
    ]
    table: list[tuple[Cell, ...]] = [
        (RunLink(moment.run), moment.time.replace("T", " ")[:16], moment.state, *(numbers.get(name) for name in names))
        for moment, numbers in zip(moments, named, strict=True)
    ]
    blocks: list[Block] = [lines(rows, title, description, up=up)]
    if len(names) > MOST:
        blocks.append(Note(f"The first {MOST} of {len(names)} are drawn; the table has all of them."))
    return [*blocks, Grid(("run", "started (UTC)", "state", *names), tuple(reversed(table)), "Run by run")]


def _drawn(value: float | None) -> float | None:
    return value if is_number(value) else None
