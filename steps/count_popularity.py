"""Popularity: how many users of each market met each item."""

import pandas as pd

from kaon.dsl import step

from .interactions import Interactions


@step(output="popularity")
def count_popularity(train: Interactions) -> pd.DataFrame:
    """Return a row per market and item that was met there: market, item_id, users; the most popular first in a market.

    Items with equally many users come in the order of their ids.
    """
    users = train.groupby(["market", "item_id"], sort=True).size().rename("users").reset_index()
    return users.sort_values(["market", "users", "item_id"], ascending=[True, False, True], ignore_index=True)
