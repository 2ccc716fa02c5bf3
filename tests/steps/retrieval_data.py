"""Interactions that tests of the retrieval steps share."""

from collections.abc import Sequence
from functools import cache

import pandas as pd

from kaon.steps.datasets import load
from kaon.steps.interactions import Interactions, in_market, interactions
from kaon.steps.split_interactions import Split, split_interactions


def rows(*pairs: tuple[str, str], market: str = "ca") -> Interactions:
    """Return interactions of one market: rows(("ann", "tea"), …)."""
    users, items = zip(*pairs, strict=True)
    return interactions(pd.DataFrame({"user_id": users, "item_id": items, "market": market, "rating": 1.0}))


def clubs(users: int, market: str, *, each: int = 5, of: int = 8) -> Interactions:
    """Return a market of two clubs: its users meet `each` of the `of` items of their club and nothing else."""
    met = []
    for user in range(users):
        club = user % 2
        for step in range(each):
            item = (user // 2 * 3 + step) % of
            met.append((f"{market}-user{user:04d}", f"item{club}{item:02d}"))
    return rows(*met, market=market)


def together(parts: Sequence[Interactions]) -> Interactions:
    """Return the interactions of several markets as one table."""
    return interactions(pd.concat(parts, ignore_index=True))


@cache
def s3() -> Split:
    """Return the split of the bundled market s3."""
    return split_interactions(in_market(load("xmrec"), "s3"))
