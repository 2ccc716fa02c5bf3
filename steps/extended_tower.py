"""A tower that learnt of new items and markets, before it is trained on them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import torch

from .datasets.catalogue import Catalogue, catalogue
from .two_tower import TwoTower, described_items, untrained

NOTHING = catalogue(pd.DataFrame({"item_id": []}))


def extended(
    tower: TwoTower, item_ids: Sequence[str], markets: Sequence[str], seed: int, content: Catalogue = NOTHING
) -> TwoTower:
    """Return the tower with these items and markets besides its own: what it knows keeps its weights and its place.

    A new item follows the known ones. Where the tower knows its content, its vector is what the content says, to begin
    with; else it is random, as in an untrained tower. A new market starts at zero.

    seed: of the new items' vectors.
    content: what the new items are; one that it does not have is its id alone.
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
    described = None if tower.content is None else tower.content.extended(described_items(items, content))
    if described is not None:
        told = described.bag_starts.diff()[len(known) :] > 0
        state["items.weight"][len(known) :][told] = 0.0
        state |= {f"content.{name}": weight for name, weight in described.state_dict().items()}
    config: dict[str, Any] = {**tower.config, "item_ids": known + items, "markets": [*tower.markets, *places]}
    config |= {} if described is None else {"entries": len(described.bag_tokens)}
    larger = TwoTower(**config)
    larger.load_state_dict(state)
    return larger
