"""The models of a region as what serves needs of them: the nearest items of every item, and what is popular."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

NEAREST = 20


@dataclass(frozen=True)
class RegionModel:
    """What lists of one region are made from."""

    neighbours: dict[str, list[tuple[str, float]]]
    popular: list[str]
    """Its items, the most popular first."""


def popular_in(train: pd.DataFrame) -> list[str]:
    """Return the items of a region's interactions, the most popular first, among equals by name."""
    times = train["item_id"].value_counts().rename_axis("item_id").reset_index(name="times")
    return [str(item) for item in times.sort_values(["times", "item_id"], ascending=[False, True])["item_id"]]


def regional(neighbours: pa.Table) -> dict[str, list[tuple[str, float]]]:
    """Return the neighbours that a region's own model found."""
    found: dict[str, list[tuple[str, float]]] = {}
    for row in neighbours.to_pylist():
        found.setdefault(row["item_id"], []).append((row["neighbour"], row["similarity"]))
    return found


def from_global(factors: pa.Table, items: list[str]) -> dict[str, list[tuple[str, float]]]:
    """Return the nearest of a region's items by the angle between the vectors of the model for all regions."""
    known = dict(zip(factors["item_id"].to_pylist(), range(factors.num_rows), strict=True))
    here = [item for item in items if item in known]
    vectors = np.array(factors["vector"].to_pylist(), "f4")[[known[item] for item in here]]  # (items, rank)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    count = min(NEAREST, len(here) - 1)
    found = {}
    for start in range(0, len(here), 1024):
        alike = vectors[start : start + 1024] @ vectors.T  # (1024, items)
        alike[np.arange(len(alike)), np.arange(start, start + len(alike))] = -1
        nearest = np.argsort(-alike, axis=1, kind="stable")[:, :count]
        for row, best in enumerate(nearest):
            found[here[start + row]] = [
                (here[other], round(float(alike[row, other]), 6)) for other in best if alike[row, other] > 0
            ]
    return found
