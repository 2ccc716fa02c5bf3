"""What is held out: a share of some ids, chosen by their hashes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd


def held_out(ids: pd.Series | Sequence[str], share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Return which of the ids are held out: about `share` of them, and equal ids alike.

    Neither the order of the ids nor what else is among them changes it; another seed, others.

    >>> held_out(["a", "b", "a"], 1.0, seed=0).tolist()
    [True, True, True]
    """
    hashes = pd.util.hash_array(np.asarray(ids, dtype=object), hash_key=f"{seed % 10**16:016d}")
    held: npt.NDArray[np.bool_] = (hashes >> np.uint64(11)) / float(1 << 53) < share
    return held
