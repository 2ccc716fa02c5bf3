"""Judge the model for all regions and the region's own, everywhere, by what users were held out to meet."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import pandas as pd
import pyarrow as pa
from pydantic import Field

from kaon.dsl import current_step, step

from .lists import Neighbours, recommended
from .region_models import from_global, popular_in, regional

K = 10


class Judged(NamedTuple):
    """How good each model is where, and which is the best."""

    region_table: pa.Table
    """A row for each region: its users, nDCG@10 of popularity, the global and the regional model, and the best."""
    choices: dict[str, str]
    """Per region `global` or `regional`."""


@step
def judge_models(
    train: pd.DataFrame,
    held_out: pd.DataFrame,
    global_factors: pa.Table,
    neighbours: Mapping[str, pa.Table],
    *,
    most_users: Annotated[int, Field(ge=1)] = 1000,
) -> Judged:
    """Return nDCG@10 of both models and of popularity in every region, ranking all that a user has not met.

    most_users: that are judged of a region, the first by id.
    """
    rows: list[dict[str, Any]] = []
    for number, (region, own) in enumerate(neighbours.items()):
        here, asked = train[train["region"] == region], held_out[held_out["region"] == region].head(most_users)
        popular = popular_in(here)
        models: dict[str, Neighbours] = {
            "popularity": {},
            "global": from_global(global_factors, popular),
            "regional": regional(own),
        }
        scores = {name: _ndcg(model, popular, here, asked) for name, model in models.items()}
        best = max(("global", "regional"), key=lambda name: scores[name])
        rows.append({"region": region, "users": len(asked), **scores, "best": best})
        current_step().progress((number + 1) / len(neighbours), f"{region}: {best} {scores[best]:.4f}")
    return Judged(pa.Table.from_pylist(rows), {row["region"]: row["best"] for row in rows})


def _ndcg(model: Neighbours, popular: list[str], train: pd.DataFrame, asked: pd.DataFrame) -> float:
    """Return the mean nDCG@10 over users, of whom each has one item to be found."""
    histories = train[train["user_id"].isin(asked["user_id"])].groupby("user_id")["item_id"].agg(list)
    gains = []
    for user, wanted in zip(asked["user_id"], asked["item_id"], strict=True):
        found = [item for item, _ in recommended(histories.get(user, []), model, popular, K)]
        gains.append(1 / math.log2(found.index(wanted) + 2) if wanted in found else 0.0)
    return round(sum(gains) / len(gains), 6) if gains else 0.0
