"""Lists that do not say the same thing ten times: maximal marginal relevance (Carbonell and Goldstein 1998)."""

import numpy as np
import numpy.typing as npt

from ..ranking import Rows, Scores

Mask = npt.NDArray[np.bool_]

OVER_CAP = 10.0
"""Taken from the value of an item over a cap: more than any two values differ by."""


def diversified(
    relevance: Scores,
    vectors: npt.NDArray[np.floating],
    *,
    k: int,
    diversity: float,
    genres: Mask | None = None,
    per_genre: int = 0,
) -> Rows:
    """Return the columns of k candidates of each list in the order in which they are chosen, -1 beyond a list's end.

    Each place goes to the candidate with the greatest (1 - diversity) * relevance - diversity * (greatest cosine to
    what is chosen already); of equal ones to the first. Without diversity and caps that is the order of relevance.

    relevance: between 0 and 1, -inf where there is no candidate, shape (lists, candidates).
    vectors: of length 1 (or 0: like nothing), shape (lists, candidates, dim).
    genres, per_genre: which genres each candidate has (lists, candidates, genres), and how many of one a list may hold;
        an item over a cap is taken only when no other is left. 0 for no caps.
    """
    lists, candidates = relevance.shape
    rows = np.arange(lists)
    chosen = np.full((lists, k), -1, dtype=np.int64)
    free = relevance > -np.inf
    worth = np.where(free, (1 - diversity) * np.where(free, relevance, 0.0), -np.inf)
    alike = np.full((lists, candidates), -1.0)
    held = np.zeros((lists, 1, genres.shape[2]), dtype=np.int64) if genres is not None and per_genre else None
    for place in range(min(k, candidates)):
        value = worth - diversity * alike
        if held is not None and genres is not None:
            value = value - OVER_CAP * (genres & (held >= per_genre)).any(axis=2)
        best = value.argmax(axis=1)
        found = free[rows, best]
        chosen[:, place] = np.where(found, best, -1)
        free[rows, best] = False
        worth[rows, best] = -np.inf
        if diversity:
            cosine = np.einsum("lcd,ld->lc", vectors, vectors[rows, best])
            np.maximum(alike, cosine, out=alike)
        if held is not None and genres is not None:
            held = held + genres[rows, best][:, None, :]
    return chosen
