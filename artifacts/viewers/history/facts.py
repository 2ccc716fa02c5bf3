"""What the records say of an artifact over runs, for kinds that no other viewer of histories shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...amounts import size as size_said
from ...artifact import Artifact
from ..blocks import ArtifactLink, Block, Cell, Grid, RunLink
from ..moment import Moment
from ..said import is_number
from .series import changing_over_runs


class FactsHistory:
    """Size, and every number of the summary, over runs; when the content changed."""

    name = "facts"
    title = "Facts over runs"

    def fits(self, artifact: Artifact) -> int:
        return 1

    def view(self, moments: Sequence[Moment]) -> Iterable[Block]:
        rows: list[tuple[Cell, ...]] = []
        before = ""
        for moment in moments:
            made = moment.artifact
            if made is None:
                rows.append((RunLink(moment.run), moment.state, None, None, "missing"))
                continue
            changed = "the same as before" if made.digest == before else "changed" if before else "the first"
            shown = ArtifactLink(made.id, f"#{made.id}")
            rows.append((RunLink(moment.run), moment.state, shown, size_said(made.size), changed))
            before = made.digest
        history = Grid(("run", "state", "artifact", "size", "content"), tuple(reversed(rows)), "Run by run")
        known = [_numbers(moment) for moment in moments]
        if any(known):
            return [*changing_over_runs(known, moments, "Facts over runs", "Numbers of the summary."), history]
        sizes = [{"size": float(moment.artifact.size)} if moment.artifact else {} for moment in moments]
        return [*changing_over_runs(sizes, moments, "Size over runs", "Bytes.", "bytes"), history]


def _numbers(moment: Moment) -> Mapping[str, float]:
    if moment.artifact is None:
        return {}
    summary = moment.artifact.summary
    return {name: value for name, value in summary.items() if isinstance(value, (int, float)) and is_number(value)}
