"""Where ids stand in a sorted array of ids, for questions of a few ids: nothing is built before they are looked up."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Ids = npt.NDArray[np.str_]


def rows_of(ids: Sequence[str] | Ids, among: Ids) -> Rows:
    """Return where each id stands in a sorted array of ids, or -1 where it does not.

    >>> rows_of(["b", "x", "longer"], np.array(["a", "b"])).tolist()
    [1, -1, -1]
    """
    if not len(ids) or not len(among):
        return np.full(len(ids), -1, dtype=np.int64)
    wanted = np.asarray(ids).astype(among.dtype)  # what is longer is cut here, and found to differ below
    at = np.minimum(np.searchsorted(among, wanted), len(among) - 1)
    same = [str(found) == str(own) for found, own in zip(among[at].tolist(), ids, strict=True)]
    return np.where(same, at, -1).astype(np.int64)
