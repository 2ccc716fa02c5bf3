"""How lists are made of neighbours: what judges the models and what serves them, so it needs nothing but Python."""

from collections.abc import Iterable, Mapping, Sequence

Neighbours = Mapping[str, Sequence[tuple[str, float]]]
"""The nearest items of an item, with how alike they are."""


def recommended(
    history: Iterable[str], neighbours: Neighbours, popular: Sequence[str], k: int
) -> list[tuple[str, float]]:
    """Return the k items that are most like what somebody has met, with their scores; the popular ones fill up.

    popular: the items of the region, the most popular first; it decides among equals.

    >>> recommended(["a"], {"a": [("b", 0.5), ("c", 0.5)]}, ["c", "a", "b", "d"], 3)
    [('c', 0.5), ('b', 0.5), ('d', 0.0)]
    """
    met = set(history)
    scores: dict[str, float] = {}
    for item in sorted(met):
        for other, similarity in neighbours.get(item, ()):
            if other not in met:
                scores[other] = scores.get(other, 0.0) + similarity
    place = {item: number for number, item in enumerate(popular)}
    ranked = sorted(scores, key=lambda item: (-scores[item], place.get(item, len(place)), item))[:k]
    for item in popular:
        if len(ranked) >= k:
            break
        if item not in met and item not in scores:
            ranked.append(item)
    return [(item, scores.get(item, 0.0)) for item in ranked]
