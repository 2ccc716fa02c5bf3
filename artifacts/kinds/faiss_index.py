"""FAISS indexes in FAISS's own format."""

from __future__ import annotations

from typing import Any, BinaryIO

from ..json_form import Json
from .annotations import is_a, is_anything, refused, unreadable


class FaissIndexKind:
    """Any index on the CPU; it comes back as its own class."""

    name = "faiss_index"

    def accepts(self, annotation: object) -> bool:
        return is_a(annotation, "faiss", "Index", "IndexBinary")

    def dump(self, value: Any, to: BinaryIO) -> None:
        import faiss

        if not self.accepts(type(value)):
            raise refused(value, self.name, "faiss.Index")
        binary = is_a(type(value), "faiss", "IndexBinary")
        raw = faiss.serialize_index_binary(value) if binary else faiss.serialize_index(value)
        to.write(raw.tobytes())

    def load(self, source: BinaryIO, wanted: object) -> Any:
        import faiss
        import numpy as np

        if not (is_anything(wanted) or self.accepts(wanted)):
            raise unreadable(self.name, wanted, "faiss.Index")
        raw = np.frombuffer(source.read(), dtype=np.uint8)
        if bytes(raw[:2]) == b"IB":
            return faiss.deserialize_index_binary(raw)
        return faiss.deserialize_index(raw)

    def summary(self, value: Any) -> dict[str, Json]:
        return {"class": type(value).__name__, "vectors": int(value.ntotal), "dim": int(value.d)}
