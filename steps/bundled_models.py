"""The models of a bundle's markets as files: a tower is safetensors, a factorisation a zip of arrays."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kaon.artifacts import FactorModel, kind_named

from .model_vectors import Blend, Model

FOLDER = "models"
KINDS = {"torch_module": ".safetensors", "factor_model": ".zip"}


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of every market's model; markets that share a model share its files."""

    of_market: Mapping[str, list[str]]
    """One file, or those of a blend in the order of its parts."""
    content: Mapping[str, bytes]


def model_files(models: Mapping[str, Model]) -> ModelFiles:
    """Return the models as files, numbered in the order of the markets."""
    names: dict[int, str] = {}
    content: dict[str, bytes] = {}
    of_market = {}
    for market, model in models.items():
        parts = model.parts if isinstance(model, Blend) else (model,)
        for part in parts:
            if id(part) not in names:
                kind = "factor_model" if isinstance(part, FactorModel) else "torch_module"
                names[id(part)] = f"{FOLDER}/{len(names)}{KINDS[kind]}"
                content[names[id(part)]] = _dumped(kind, part)
        of_market[market] = [names[id(part)] for part in parts]
    return ModelFiles(of_market, content)


def load_model(bundle: Path, files: Sequence[str]) -> Model:
    """Return the model that the files of a bundle hold."""
    from .two_tower import TwoTower

    parts = [
        _loaded(bundle / name, "factor_model", FactorModel)
        if name.endswith(KINDS["factor_model"])
        else _loaded(bundle / name, "torch_module", TwoTower)
        for name in files
    ]
    return Blend(tuple(parts)) if len(parts) > 1 else parts[0]


def _dumped(kind: str, model: object) -> bytes:
    raw = io.BytesIO()
    kind_named(kind).dump(model, raw)
    return raw.getvalue()


def _loaded(path: Path, kind: str, wanted: object) -> Any:
    with path.open("rb") as file:
        return kind_named(kind).load(file, wanted)
