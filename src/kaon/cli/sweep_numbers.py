"""A point of a sweep by its number, as leaderboards and pages count them: `fit[point=4]`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .refusals import CallError

if TYPE_CHECKING:
    from kaon.artifacts import RunRecord, Store

POINT = "point"


def with_values(store: "Store", run: "RunRecord", path: str, items: Mapping[str, str]) -> dict[str, str]:
    """Return the items of a step with the values of the point in place of its number.

    path: of the step in the plan, or its name; in a loop over a variable called `point` that is what is meant.
    Of a run that sweeps nothing the items are returned as they are. Raises CallError if no such point has begun.
    """
    from kaon.artifacts.sweeping import Board, sweep_in

    sweep = sweep_in(run) if POINT in items and f"[{POINT}" not in path else None
    if sweep is None or POINT in sweep.variables:
        return dict(items)
    board = Board(store, run.id, sweep)
    board.refresh(run.generation, over=run.ended is not None)
    wanted = items[POINT]
    for point in board.points.values():
        if str(point.number) == wanted:
            values = {name: str(value) for name, value in point.values.items()}
            return {**{name: value for name, value in items.items() if name != POINT}, **values}
    why = f"its points are 0 to {sweep.total - 1}, of which {len(board.points):,} have begun"
    raise CallError(f"run {run.id} has no point {wanted} that has begun", why=why, fix=f"kaon status {run.id} --all")
