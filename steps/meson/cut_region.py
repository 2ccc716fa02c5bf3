"""What the model of one region learns from."""

from typing import Annotated

import pandas as pd
from pydantic import Field

from kaon.dsl import step

Count = Annotated[int, Field(ge=1)]


@step(output="region_train")
def cut_region(train: pd.DataFrame, region: str, *, most_items: Count = 1000, most_users: Count = 4000) -> pd.DataFrame:
    """Return user_id and item_id of one region: its most popular items, and its most active users.

    most_items, most_users: R holds a matrix of so many, and multiplies it by itself.
    """
    here = train.loc[train["region"] == region, ["user_id", "item_id"]]
    here = here[here["item_id"].isin(_most(here["item_id"], most_items))]
    return here[here["user_id"].isin(_most(here["user_id"], most_users))].reset_index(drop=True)


def _most(ids: pd.Series, count: int) -> set[str]:
    """Return the ids that stand most often, among equals the first by name."""
    times = ids.value_counts().rename_axis("id").reset_index(name="times")
    return set(times.sort_values(["times", "id"], ascending=[False, True])["id"].head(count))
