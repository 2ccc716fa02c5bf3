"""User and item vectors of a matrix factorisation."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import NotStorable
from ..json_form import Json, canonical_json, json_form
from .annotations import is_a, is_anything, refused, unreadable

if TYPE_CHECKING:
    import numpy as np

ARRAYS = ("user_ids", "item_ids", "user_factors", "item_factors")
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class FactorModel:
    """A factorisation of users times items. Two are equal if their arrays and configs are."""

    user_ids: np.ndarray[Any, Any]
    """Text, shape (users,)."""
    item_ids: np.ndarray[Any, Any]
    """Text, shape (items,)."""
    user_factors: np.ndarray[Any, Any]
    """float32, shape (users, rank)."""
    item_factors: np.ndarray[Any, Any]
    """float32, shape (items, rank)."""
    config: Mapping[str, Json] = field(default_factory=dict)
    """The settings that made it."""

    def __post_init__(self) -> None:
        import numpy as np

        for name in ("user_ids", "item_ids"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.str_))
        for name in ("user_factors", "item_factors"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype="<f4"))
        ranks = {self.user_factors.shape[-1], self.item_factors.shape[-1]}
        fits = (
            self.user_factors.ndim == self.item_factors.ndim == 2
            and self.user_ids.shape == self.user_factors.shape[:1]
            and self.item_ids.shape == self.item_factors.shape[:1]
            and len(ranks) == 1
        )
        if not fits:
            shapes = ", ".join(f"{name} {getattr(self, name).shape}" for name in ARRAYS)
            raise NotStorable(
                "the arrays of a FactorModel do not fit each other",
                where=shapes,
                why="it needs ids (users,) and (items,), factors (users, rank) and (items, rank)",
                fix="give one id per row of factors, and both factors the same rank",
            )

    def __eq__(self, other: object) -> bool:
        import numpy as np

        if not isinstance(other, FactorModel):
            return NotImplemented
        return dict(self.config) == dict(other.config) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in ARRAYS
        )

    __hash__ = None  # type: ignore[assignment]


class FactorModelKind:
    """An uncompressed zip of .npy factors and JSON ids and config, without times."""

    name = "factor_model"

    def accepts(self, annotation: object) -> bool:
        return is_a(annotation, "kaon", "FactorModel")

    def dump(self, value: FactorModel, to: BinaryIO) -> None:
        import numpy as np

        if not isinstance(value, FactorModel):
            raise refused(value, self.name, "FactorModel")
        with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_entry("config.json"), canonical_json(value.config))
            for name in ("user_ids", "item_ids"):
                archive.writestr(_entry(f"{name}.json"), canonical_json(getattr(value, name).tolist()))
            for name in ("user_factors", "item_factors"):
                factors = getattr(value, name)
                entry = _entry(f"{name}.npy")
                entry.file_size = factors.nbytes  # by which zipfile chooses the form of its head
                with archive.open(entry, "w") as file:
                    np.lib.format.write_array_header_2_0(file, np.lib.format.header_data_from_array_1_0(factors))
                    file.write(factors)  # as it lies in memory; write_array would copy it first

    def load(self, source: BinaryIO, wanted: object) -> FactorModel:
        import numpy as np

        if not (is_anything(wanted) or self.accepts(wanted)):
            raise unreadable(self.name, wanted, "FactorModel")
        with zipfile.ZipFile(source) as archive:
            users, items = (np.lib.format.read_array(archive.open(f"{name}.npy")) for name in ARRAYS[2:])
            return FactorModel(
                user_ids=np.array(json.loads(archive.read("user_ids.json")), dtype=np.str_),
                item_ids=np.array(json.loads(archive.read("item_ids.json")), dtype=np.str_),
                user_factors=users,
                item_factors=items,
                config=json.loads(archive.read("config.json")),
            )

    def summary(self, value: FactorModel) -> dict[str, Json]:
        return {
            "users": len(value.user_ids),
            "items": len(value.item_ids),
            "rank": value.item_factors.shape[1],
            "config": json_form(value.config),
        }


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, EPOCH)
