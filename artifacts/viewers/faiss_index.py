"""Indexes of vectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..amounts import size as size_said
from ..artifact import Artifact
from .blocks import Block, Cell, Note, facts
from .charts import histogram
from .opened import Opened

LARGEST = 512 << 20
"""Bytes of an index that is opened: most kinds of them come into memory whole."""
SAMPLED = 20_000
"""Vectors whose lengths are measured."""


class FaissIndexViewer:
    """What kind of index it is, how it searches, and how long its vectors are."""

    name = "faiss_index"
    title = "Index"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "faiss_index" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        if opened.artifact.size > LARGEST:
            return [Note("This index is too large to be opened for a look; its summary tells what it is.")]
        import faiss

        with opened.path.open("rb") as file:
            binary = file.read(2) == b"IB"
        path, mapped = str(opened.path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
        if binary:
            index: Any = faiss.read_index_binary(path)
        else:
            index = faiss.read_index(path, mapped)
        named = _named(index, binary)
        named["size"] = size_said(opened.artifact.size)
        return [facts(named), *([] if binary else _lengths(index))]


def _named(index: Any, binary: bool) -> dict[str, Cell]:
    import faiss

    named: dict[str, Cell] = {"class": type(index).__name__, "vectors": int(index.ntotal), "dimensions": int(index.d)}
    if not binary:
        product = index.metric_type == faiss.METRIC_INNER_PRODUCT
        named["nearness by"] = "inner product" if product else "distance" if index.metric_type == 1 else "other"
    if hasattr(index, "hnsw"):
        graph = index.hnsw
        named |= {"links of a vector": int(graph.nb_neighbors(1)), "levels": int(graph.max_level) + 1}
        named |= {"efConstruction": int(graph.efConstruction), "efSearch": int(graph.efSearch)}
    if hasattr(index, "nlist"):
        named |= {"lists": int(index.nlist), "lists searched": int(index.nprobe)}
    named["trained"] = bool(index.is_trained)
    return named


def _lengths(index: Any) -> list[Block]:
    """Return how long the vectors are, where the index can give them back."""
    import numpy as np

    if index.ntotal == 0:
        return []
    try:
        count = min(int(index.ntotal), SAMPLED)
        lengths = np.linalg.norm(index.reconstruct_n(0, count), axis=1)
    except RuntimeError:  # an index that keeps codes alone
        return []
    counts, edges = np.histogram(lengths, bins=30)
    description = f"Lengths of the first {count:,} vectors."
    return [histogram(counts.tolist(), edges.tolist(), "Lengths of the vectors", description)]
