"""A tower that knows nothing of a market but what is popular there: where its own training starts."""

import numpy as np
import torch

from .interactions import Interactions
from .two_tower import TwoTower, untrained


def popular_tower(mine: Interactions, market: str, dim: int, temperature: float, seed: int) -> TwoTower:
    """Return an untrained tower of a market that ranks its items by how many users met them.

    The first entry of every item's vector is the temperature times the log of its popularity, the mean taken off, and
    that of every user's vector is 1, so that for a user of whom nothing else is known the softmax that training
    corrects (see two_tower) starts at its optimum. The other entries of the items are zero, and those of histories
    random, so that training can begin.

    mine: the market's interactions.
    """
    met = mine["item_id"].value_counts().sort_index()
    logs = np.log(met.to_numpy(dtype="f8"))
    tower = untrained(met.index.tolist(), [market], dim, seed)
    with torch.no_grad():
        tower.items.weight.zero_()
        tower.items.weight[:, 0] = torch.from_numpy(temperature * (logs - logs.mean()))
        tower.history.weight[:, 0] = 0.0
        tower.market.weight[0, 0] = 1.0
    return tower
