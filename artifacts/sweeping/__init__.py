"""A sweep as the records tell it: its points, what each of them came to, and which is best."""

from .board import Board, Point, Ranking
from .sweep import Sweep, sweep_in

__all__ = ["Board", "Point", "Ranking", "Sweep", "sweep_in"]
