"""What was published, where, and how it was checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..artifact import Artifact
from .blocks import Block, Cell, Facts, Grid, Tree
from .json_value import LARGEST, JsonViewer
from .opened import Opened
from .said import cell


class ReceiptViewer:
    """A receipt of a publication: its facts, then what they are made of."""

    name = "receipt"
    title = "Receipt"

    def fits(self, artifact: Artifact) -> int:
        named = "receipt" in artifact.name.lower() or "receipt" in str(artifact.summary.get("type", "")).lower()
        return 3 if artifact.kind == "json" and named else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        value = opened.value if opened.artifact.size <= LARGEST else None
        if not isinstance(value, Mapping):
            return JsonViewer().view(opened)
        plain: list[tuple[str, Cell]] = [
            (str(name).replace("_", " "), cell(part))
            for name, part in value.items()
            if not isinstance(part, (Mapping, list))
        ]
        blocks: list[Block] = [Facts(tuple(plain))]
        for name, part in value.items():
            if (
                isinstance(part, Mapping)
                and part
                and not any(isinstance(one, (Mapping, list)) for one in part.values())
            ):
                rows = tuple((str(key), cell(one)) for key, one in part.items())
                blocks.append(Grid(("name", "value"), rows, str(name).replace("_", " ")))
            elif isinstance(part, (Mapping, list)) and part:
                blocks.append(Tree(part, str(name).replace("_", " ")))
        return blocks
