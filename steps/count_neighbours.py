"""Item-item neighbours: which items the same users met, in each market."""

from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field
from scipy import sparse

from kaon.dsl import Resources, current_step, step

from .interactions import Interactions, in_market, pairs
from .neighbours import jaccard, neighbours_of


@step(output="neighbours", resources=Resources(cpus=1, memory="1GiB"))
def count_neighbours(
    train: Interactions, *, kept: Annotated[int, Field(gt=0)] = 200, shrinkage: Annotated[float, Field(ge=0)] = 5.0
) -> pd.DataFrame:
    """Return a row per market, item and neighbour: market, item_id, neighbour_id, users, score.

    users is how many users of the market met both; score is their Jaccard similarity, the share of both among the users
    who met either. The closest neighbours of an item come first.

    kept: neighbours of an item at most, those of highest score.
    shrinkage: users added to everyone who met either, since two items that one user each met say little.
    """
    tables = []
    for market in sorted(train["market"].unique()):
        numbered = pairs(in_market(train, market))
        found = neighbours_of(numbered.matrix())
        tables.append(_closest(found.shared, jaccard(found, shrinkage), numbered.item_ids, kept).assign(market=market))
    table = pd.concat(tables, ignore_index=True)
    current_step().log(f"{len(table)} pairs of neighbours in {len(tables)} markets")
    return table[["market", "item_id", "neighbour_id", "users", "score"]]


def _closest(
    shared: sparse.csr_matrix, score: sparse.csr_matrix, item_ids: np.ndarray[tuple[int], np.dtype[np.str_]], kept: int
) -> pd.DataFrame:
    """Return the rows of one market: both matrices have their entries at the same places."""
    item = np.repeat(np.arange(len(item_ids)), np.diff(shared.indptr))
    order = np.lexsort((shared.indices, -score.data, item))
    place = np.arange(len(order)) - shared.indptr[:-1][item]
    chosen = order[place < kept]
    return pd.DataFrame(
        {
            "item_id": item_ids[item[chosen]],
            "neighbour_id": item_ids[shared.indices[chosen]],
            "users": shared.data[chosen].astype("i8"),
            "score": score.data[chosen],
        }
    )
