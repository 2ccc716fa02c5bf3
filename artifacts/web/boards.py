"""The leaderboards that somebody looks at, kept for as long as they may be looked at again."""

from __future__ import annotations

from ..errors import UnknownRecord
from ..records import RunRecord
from ..store import Store
from ..sweeping import Board, sweep_in
from .kept import Kept

_boards: Kept[int, Board] = Kept(6)


def board_of(store: Store, run: RunRecord, most: int = 2**31 - 1) -> tuple[Board, bool]:
    """Return the leaderboard of a run's sweep as it stands, and whether it has all that is recorded.

    most: step runs that are new to it, so many are read. Raises UnknownRecord for a run that sweeps nothing.
    """
    board = _boards.get(store, run.id, lambda: _begun(store, run))
    over = run.ended is not None or run.state not in ("running", "held")
    return board, board.refresh(run.generation, over=over, most=most)


def _begun(store: Store, run: RunRecord) -> Board:
    sweep = sweep_in(run)
    if sweep is None:
        raise UnknownRecord(f"run {run.id} sweeps nothing", fix=f"/runs/{run.id} shows the run")
    return Board(store, run.id, sweep)
