"""The cohort made ready: rare items left out, one item of every user held out, regions listed."""

from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from kaon.dsl import current_step, step

Count = Annotated[int, Field(ge=1)]


class Wrangled(NamedTuple):
    """What is learnt from, what is judged by, and where."""

    train: pd.DataFrame
    """user_id, item_id, region, and the numbers `user` and `item` of the first two; sorted."""
    held_out: pd.DataFrame
    """One row a user with user_id, item_id and region: an item that others in train have met."""
    regions: list[str]
    """Those with most users first."""


class NothingLeft(ValueError):
    """The rules leave nobody, or no item that anybody could be judged by."""


@step
def wrangle(cohort: pd.DataFrame, *, minimum_users_per_item: Count = 3, seed: int = 0) -> Wrangled:
    """Return the cohort without rare items, with one item of every user set aside, and its regions.

    minimum_users_per_item: items that fewer users of a region met are left out there.
    seed: of the choice of what is set aside.
    """
    if cohort.empty:
        raise NothingLeft(
            "select_cohort left no user: lower select_cohort.minimum_users_per_region or "
            "select_cohort.minimum_interactions"
        )
    known = cohort.groupby(["region", "item_id"])["user_id"].transform("size") >= minimum_users_per_item
    rows = cohort[known].sort_values(["region", "user_id", "item_id"], ignore_index=True)
    rows["draw"] = np.random.default_rng(seed).random(len(rows))
    enough = rows.groupby("user_id")["draw"].transform("size") >= 2
    set_aside = enough & (rows["draw"] == rows.groupby("user_id")["draw"].transform("max"))
    train, held_out = rows[~set_aside].drop(columns="draw"), rows[set_aside].drop(columns="draw")
    held_out = held_out.merge(train[["region", "item_id"]].drop_duplicates(), on=["region", "item_id"])
    if held_out.empty:
        raise NothingLeft(
            f"no user of the {cohort['user_id'].nunique()} selected can be judged: every item is known to fewer than "
            f"{minimum_users_per_item} users of its region; lower wrangle.minimum_users_per_item"
        )
    train = train.reset_index(drop=True)
    train["user"] = pd.factorize(train["user_id"], sort=True)[0].astype("i4")
    train["item"] = pd.factorize(train["item_id"], sort=True)[0].astype("i4")
    users = train.groupby("region")["user_id"].nunique()
    regions = sorted(users.index, key=lambda region: (-users[region], region))
    current_step().log(f"{len(train)} interactions to learn from, {len(held_out)} users to judge by, in {regions}")
    return Wrangled(train, held_out.reset_index(drop=True), [str(region) for region in regions])
