"""Every source and the ranker side by side, in every market."""

from collections.abc import Mapping, Sequence

import pandas as pd

from .ranking import Floats, bootstrap_interval
from .sources import Rows

EVERYWHERE = "all"


def source_table(ndcg: Mapping[str, Floats], market: Rows, markets: Sequence[str]) -> pd.DataFrame:
    """Return a row per market and source: market, source, users, ndcg, low, high; first `all`, best source first.

    ndcg: nDCG@10 of every list by the name of what ordered it, each of shape (lists,).
    market: number of each list's market, shape (lists,); a market without lists has no rows.
    """
    groups = [(EVERYWHERE, market == market), *((name, market == number) for number, name in enumerate(markets))]
    rows = []
    for name, mine in groups:
        if not mine.any():
            continue
        measured = {source: bootstrap_interval(values[mine]) for source, values in ndcg.items()}
        for source, interval in sorted(measured.items(), key=lambda found: (-found[1].mean, found[0])):
            rows.append((name, source, interval.users, interval.mean, interval.low, interval.high))
    return pd.DataFrame(rows, columns=["market", "source", "users", "ndcg", "low", "high"])
