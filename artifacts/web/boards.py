"""The leaderboards that somebody looks at, kept for as long as they may be looked at again."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict

from ..errors import UnknownRecord
from ..records import RunRecord
from ..store import Store
from ..sweeping import Board, sweep_in

KEPT = 6
"""Boards that stay in memory."""

_boards: weakref.WeakKeyDictionary[Store, OrderedDict[int, Board]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def board_of(store: Store, run: RunRecord) -> Board:
    """Return the leaderboard of a run's sweep as it stands. Raises UnknownRecord for a run that sweeps nothing."""
    with _lock:
        boards = _boards.setdefault(store, OrderedDict())
        board = boards.get(run.id)
    if board is None:
        sweep = sweep_in(run)
        if sweep is None:
            raise UnknownRecord(f"run {run.id} sweeps nothing", fix=f"/runs/{run.id} shows the run")
        board = Board(store, run.id, sweep)
    over = run.ended is not None or run.state not in ("running", "held")
    board.refresh(run.generation, over=over)
    with _lock:
        boards[run.id] = board
        boards.move_to_end(run.id)
        while len(boards) > KEPT:
            boards.popitem(last=False)
    return board
