"""Users by how much is known of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..ranking import Rows


def activity_buckets(history: Rows, edges: Sequence[int]) -> tuple[Rows, tuple[str, ...]]:
    """Return the bucket of each user by the length of the history, shape (users,), and what the buckets are called.

    edges: where a new bucket begins, ascending, above zero; n edges make n + 1 buckets.
    Raises ValueError for edges that do not ascend.

    >>> activity_buckets(np.array([0, 4, 5, 30]), (5, 10))
    (array([0, 0, 1, 2]), ('0–4', '5–9', '10+'))
    """
    if list(edges) != sorted({edge for edge in edges if edge > 0}):
        raise ValueError(
            f"the edges of the activity buckets are {tuple(edges)}: each begins a bucket, so they must ascend from 1 "
            "on; write them as (5, 10, 20)"
        )
    starts = [0, *edges]
    ends = [edge - 1 for edge in edges]
    names = [f"{low}–{high}" if low < high else str(low) for low, high in zip(starts, ends, strict=False)]
    return np.searchsorted(np.asarray(edges), history, side="right").astype(np.int64), (*names, f"{starts[-1]}+")


def quantile_edges(history: npt.NDArray[np.integer], buckets: int) -> tuple[int, ...]:
    """Return the edges that part users into at most so many buckets of equal size; equal histories stay together.

    >>> quantile_edges(np.array([1, 2, 3, 4]), 2)
    (3,)
    """
    if not len(history):
        return ()
    shares = np.arange(1, buckets) / buckets
    cuts = np.quantile(history, shares, method="higher")
    return tuple(int(cut) for cut in np.unique(cuts) if cut > history.min())
