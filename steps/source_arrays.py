"""Sources as a flat set of arrays and back, as a bundle stores them: safetensors for numbers, JSON for ids."""

import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .context_crosses import ContextColumn
from .neighbours import Neighbours
from .sources import Sources
from .vector_source import VectorSource

Array = npt.NDArray[np.generic]
MATRIX = ("values", "columns", "starts")
COUNTED = ("shared", "walks", "weights")
"""The matrices of neighbours that are stored; who met an item follows from the histories."""


def source_arrays(sources: Sources) -> dict[str, Array]:
    """Return every array of the sources by a name such as `market.0.shared.values`."""
    arrays: dict[str, Array] = {"market_of_user": sources.market_of_user, **_matrix("seen", sources.seen)}
    for place, neighbours in (("everywhere", sources.everywhere), *_named(sources.by_market)):
        arrays[f"{place}.users"] = neighbours.users
        for part in COUNTED:
            arrays |= _matrix(f"{place}.{part}", getattr(neighbours, part))
    for name, vectors in sources.vectors().items():
        arrays[f"{name}.users"], arrays[f"{name}.items"] = vectors.users, vectors.items
        arrays[f"{name}.model_of_market"] = vectors.model_of_market
    for column in sources.context:
        arrays |= _matrix(f"context.{column.name}", column.counts)
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def source_ids(sources: Sources) -> bytes:
    """Return the ids of users, items and markets as JSON, and the values of the context where there is one."""
    ids: dict[str, object] = {
        "user_ids": sources.user_ids.tolist(),
        "item_ids": sources.item_ids.tolist(),
        "markets": list(sources.markets),
    }
    if sources.context:
        ids["context"] = {column.name: list(column.values) for column in sources.context}
    return json.dumps(ids, separators=(",", ":"), ensure_ascii=False).encode()


def sources_from(arrays: Mapping[str, Array], ids: bytes) -> Sources:
    """Return the sources of `source_arrays` and `source_ids`."""
    names = json.loads(ids)
    users, items, markets = (len(names[key]) for key in ("user_ids", "item_ids", "markets"))

    seen = _matrix_from(arrays, "seen", (users, items))
    market_of_user = arrays["market_of_user"].astype(np.int64)

    def neighbours(place: str, mine: sparse.csr_matrix) -> Neighbours:
        shared, walks, weights = (_matrix_from(arrays, f"{place}.{part}", (items, items)) for part in COUNTED)
        return Neighbours(shared, walks, _floats(arrays[f"{place}.users"]), sparse.csr_matrix(mine.T), weights)

    def vectors(name: str) -> VectorSource:
        numbers = arrays[f"{name}.model_of_market"].astype(np.int64)
        return VectorSource(_floats(arrays[f"{name}.users"]), _floats(arrays[f"{name}.items"]), numbers)

    return Sources(
        np.array(names["user_ids"], dtype=np.str_),
        np.array(names["item_ids"], dtype=np.str_),
        tuple(names["markets"]),
        market_of_user,
        seen,
        neighbours("everywhere", seen),
        tuple(neighbours(f"market.{number}", seen[market_of_user == number]) for number in range(markets)),
        vectors("als"),
        vectors("wide_als"),
        vectors("spectral"),
        vectors("tower"),
        vectors("twin"),
        vectors("chosen"),
        tuple(
            ContextColumn(name, tuple(values), _matrix_from(arrays, f"context.{name}", (len(values), items)))
            for name, values in names.get("context", {}).items()
        ),
    )


def _named(by_market: tuple[Neighbours, ...]) -> tuple[tuple[str, Neighbours], ...]:
    return tuple((f"market.{number}", neighbours) for number, neighbours in enumerate(by_market))


def _matrix(name: str, matrix: sparse.csr_matrix) -> dict[str, Array]:
    parts = (matrix.data.astype("f4"), matrix.indices.astype("i4"), matrix.indptr.astype("i4"))
    return {f"{name}.{part}": array for part, array in zip(MATRIX, parts, strict=True)}


def _matrix_from(arrays: Mapping[str, Array], name: str, shape: tuple[int, int]) -> sparse.csr_matrix:
    matrix = sparse.csr_matrix(tuple(arrays[f"{name}.{part}"] for part in MATRIX), shape=shape)
    matrix.has_sorted_indices = True
    return matrix


def _floats(array: Array) -> npt.NDArray[np.float32]:
    return array.astype("f4", copy=False)
