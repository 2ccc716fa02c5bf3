"""A tower that learnt of new items and markets, before it is trained on them."""

from collections.abc import Sequence
from typing import Any

import torch

from .two_tower import TwoTower, untrained


def extended(tower: TwoTower, item_ids: Sequence[str], markets: Sequence[str], seed: int) -> TwoTower:
    """Return the tower with these items and markets besides its own: what it knows keeps its weights and its place.

    A new item follows the known ones with random vectors, as in an untrained tower; a new market starts at zero.

    seed: of the new items' vectors.
    """
    known = [str(item) for item in tower.item_ids]
    items = [item for item, row in zip(item_ids, tower.item_rows(item_ids), strict=True) if row < 0]
    places = [market for market in markets if market not in tower.markets]
    drawn = untrained(items, places, tower.dim, seed).state_dict()
    state = tower.state_dict()
    own, other = state["market.weight"][:-1], state["market.weight"][-1:]  # the last row is of markets never seen
    state = {
        **state,
        **{name: torch.cat([state[name], drawn[name]]) for name in ("history.weight", "items.weight")},
        "market.weight": torch.cat([own, drawn["market.weight"][:-1], other]),
    }
    config: dict[str, Any] = {**tower.config, "item_ids": known + items, "markets": [*tower.markets, *places]}
    larger = TwoTower(**config)
    larger.load_state_dict(state)
    return larger
