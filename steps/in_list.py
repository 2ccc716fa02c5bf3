"""How a candidate's scores stand among those of its list."""

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def rounded(score: Vectors) -> Vectors:
    """Return the score to five decimals: a tie is one on every processor, whatever the last bits of its BLAS say.

    Trees split at ties, such as the cosine 1 of an item with itself; 1.0000001 would fall on the other side.
    """
    return np.round(score, 5)


def standardised(score: Vectors, known: Mask) -> Vectors:
    """Return the distance from the mean of the list's known items in standard deviations, 0 where all are equal.

    score: shape (scores, lists, candidates); known: shape (lists, candidates).
    """
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    centred = np.where(known, score - score.sum(axis=-1, keepdims=True) / count, 0)
    deviation = np.sqrt((centred**2).sum(axis=-1, keepdims=True) / count)
    standard: Vectors = np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 1e-6)
    return rounded(standard)


def places(score: Vectors, known: Mask) -> Vectors:
    """Return the place in the list as a share: 0 is first, 1 last; equal scores share the mean of their places.

    score: shape (scores, lists, candidates); known: shape (lists, candidates).

    >>> places(np.array([[[0.1, 0.9, 0.1]]], "f4"), np.ones((1, 3), bool)).tolist()
    [[[0.75, 0.0, 0.75]]]
    """
    count = known.sum(axis=-1, keepdims=True)
    from_best = np.where(known, -score, np.inf)
    order = np.argsort(from_best, axis=-1)
    ordered = np.take_along_axis(from_best, order, axis=-1)
    place = np.empty(order.shape)
    np.put_along_axis(place, order, _shared_places(ordered), axis=-1)
    return np.where(known, place / np.maximum(count - 1, 1), 1.0).astype("f4")


def _shared_places(ordered: Vectors) -> npt.NDArray[np.float64]:
    """Return the place, from 0 on, of each number of ascending ones (…, n); equal ones share the mean of theirs."""
    number = np.arange(ordered.shape[-1])
    differs = np.ones((*ordered.shape[:-1], len(number) + 1), dtype=bool)
    differs[..., 1:-1] = ordered[..., 1:] != ordered[..., :-1]
    first = np.maximum.accumulate(np.where(differs[..., :-1], number, 0), axis=-1)
    last = np.minimum.accumulate(np.where(differs[..., 1:], number, len(number))[..., ::-1], axis=-1)[..., ::-1]
    mean: npt.NDArray[np.float64] = (first + last) / 2
    return mean
