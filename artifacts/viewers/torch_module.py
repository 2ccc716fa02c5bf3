"""PyTorch modules, from the header of the file: neither torch nor the weights are loaded."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from ..amounts import size as size_said
from ..artifact import Artifact
from ..kinds.torch_module import KEY
from .blocks import Block, Cell, Tree, facts, grid
from .charts import bars
from .opened import Opened

LONGEST_HEADER = 64 << 20
"""Bytes; a header that claims more is no header."""


class TorchModuleViewer:
    """The class, its settings, and every tensor with its shape and share of the parameters."""

    name = "torch_module"
    title = "Module"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "torch_module" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        with opened.path.open("rb") as file:
            header = _header(file)
        made_by = json.loads(header.pop("__metadata__")[KEY])
        tensors = [(name, tensor["dtype"], tensor["shape"], tensor["data_offsets"]) for name, tensor in header.items()]
        counted = {name: math.prod(shape) for name, _, shape, _ in tensors}
        named: dict[str, Cell] = {
            "class": made_by["class"],
            "numbers": sum(counted.values()),
            "tensors": len(tensors),
            "size": size_said(opened.artifact.size),
        }
        rows = [
            (name, " × ".join(map(str, shape)) or "one", dtype, counted[name], size_said(ends[1] - ends[0]))
            for name, dtype, shape, ends in sorted(tensors, key=lambda tensor: tensor[3][0])
        ]
        largest = sorted(counted.items(), key=lambda pair: -pair[1])[:20]
        return [
            facts(named),
            bars(
                largest, "Numbers in each tensor", "How many numbers each tensor holds, the largest first.", "numbers"
            ),
            grid(("tensor", "shape", "type", "numbers", "size"), rows, "Tensors"),
            Tree(made_by["config"], "Config"),
        ]


def _header(file: BinaryIO) -> dict[str, Any]:
    length = int.from_bytes(file.read(8), "little")
    if length > LONGEST_HEADER:
        raise ValueError(f"the header claims {length} bytes")
    header: Mapping[str, Any] = json.loads(file.read(length))
    return dict(header)
