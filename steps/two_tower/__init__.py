"""A user tower over histories and an item tower over ids and content, trained to meet where users and items met."""

from .content import described_items
from .model import TwoTower
from .schedule import Device, NoSuchDevice, Schedule
from .training import Epoch, Fitted, fit, train_tower, untrained

__all__ = [
    "Device",
    "Epoch",
    "Fitted",
    "NoSuchDevice",
    "Schedule",
    "TwoTower",
    "described_items",
    "fit",
    "train_tower",
    "untrained",
]
