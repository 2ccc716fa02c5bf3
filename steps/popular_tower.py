"""A tower that knows nothing of a market but what is popular there: where its own training starts."""

import numpy as np
import pandas as pd
import torch

from .interactions import Interactions
from .two_tower import TwoTower, untrained

HALF_LIFE = pd.Timedelta(days=90)
"""After which a user counts half, where there is time: what is popular passes."""
FEW = 0.1
"""Users, each by its age, below which an item is as popular as with so many: once means little more than never."""


def popular_tower(mine: Interactions, market: str, dim: int, temperature: float, seed: int) -> TwoTower:
    """Return an untrained tower of a market that ranks its items by how many users met them, of late where it is known.

    The first entry of every item's vector is the temperature times the log of its popularity, the mean taken off, and
    that of every user's vector is 1, so that for a user of whom nothing else is known the softmax that training
    corrects (see two_tower) starts at its optimum. The other entries of the items are zero, and those of histories
    random, so that training can begin.

    mine: the market's interactions.
    """
    met = _weights(mine).groupby(mine["item_id"]).sum()
    logs = np.log(np.maximum(met.to_numpy(dtype="f8"), FEW))
    tower = untrained(met.index.tolist(), [market], dim, seed)
    with torch.no_grad():
        tower.items.weight.zero_()
        tower.items.weight[:, 0] = torch.from_numpy(temperature * (logs - logs.mean()))
        tower.history.weight[:, 0] = 0.0
        tower.market.weight[0, 0] = 1.0
    return tower


def _weights(mine: Interactions) -> pd.Series:
    """Return what each interaction counts: 1 for the latest of the market and where there is no time."""
    if "time" not in mine:
        return pd.Series(1.0, mine.index)
    return pd.Series(0.5 ** ((mine["time"].max() - mine["time"]) / HALF_LIFE))
