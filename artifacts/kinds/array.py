"""NumPy arrays as .npy, without objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import NotStorable
from ..json_form import Json
from .annotations import is_a, is_anything, refused, unreadable

if TYPE_CHECKING:
    import numpy as np


class ArrayKind:
    """Arrays of any shape and any dtype but object: row-major, little-endian, padding removed."""

    name = "array"
    interchangeable = True

    def accepts(self, annotation: object) -> bool:
        return is_a(annotation, "numpy", "ndarray")

    def dump(self, value: np.ndarray[Any, Any], to: BinaryIO) -> None:
        import numpy as np

        np.lib.format.write_array(to, _canonical(value), version=(2, 0), allow_pickle=False)

    def load(self, source: BinaryIO, wanted: object) -> np.ndarray[Any, Any]:
        import numpy as np

        if not (is_anything(wanted) or self.accepts(wanted)):
            raise unreadable(self.name, wanted, "numpy.ndarray")
        array: np.ndarray[Any, Any] = np.lib.format.read_array(source, allow_pickle=False)
        return array

    def summary(self, value: np.ndarray[Any, Any]) -> dict[str, Json]:
        return {"shape": list(value.shape), "dtype": str(value.dtype)}


def _canonical(value: object) -> np.ndarray[Any, Any]:
    """Return the array in the one memory layout in which we write."""
    import numpy as np
    from numpy.lib.recfunctions import repack_fields

    if type(value) is not np.ndarray:
        raise refused(value, "array", "numpy.ndarray, and no subclass such as a masked array")
    if value.dtype.hasobject or value.dtype.kind == "T":
        raise NotStorable(
            f"an array of dtype {value.dtype} cannot be stored",
            why="its items are objects in memory, which only pickle could write",
            fix="give it a dtype of fixed size: array.astype(str) for text, or store a table",
        )
    packed = value if value.dtype.names is None else repack_fields(value, recurse=True)
    little: np.ndarray[Any, Any] = packed.astype(packed.dtype.newbyteorder("<"), order="C", copy=False)
    return little
