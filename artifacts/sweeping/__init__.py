"""A sweep as the records tell it: its points, what each of them came to, and which is best."""

from .board import Board, Point, Ranking
from .sweep import Sweep, order_of, sweep_in

__all__ = ["Board", "Point", "Ranking", "Sweep", "order_of", "sweep_in"]
