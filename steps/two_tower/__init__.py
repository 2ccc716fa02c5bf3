"""A user tower over histories and an item tower over ids, trained to meet where users and items met."""

from .model import TwoTower
from .training import Schedule, train_tower, untrained

__all__ = ["Schedule", "TwoTower", "train_tower", "untrained"]
