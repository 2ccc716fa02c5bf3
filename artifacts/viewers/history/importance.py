"""What a model looks at, over runs: Meson's own example of a history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ...artifact import Artifact
from ..blocks import Block
from ..importance import importance, measured_by
from ..moment import Moment
from .series import over_runs

FEATURES = 100
LINES = 8


class ImportanceHistory:
    """A line for each of the features that mattered most, over all runs together."""

    name = "importance"
    title = "Feature importance over runs"

    def fits(self, artifact: Artifact) -> int:
        return 4 if measured_by(artifact) else 0

    def view(self, moments: Sequence[Moment]) -> Iterable[Block]:
        known = [
            dict(importance(moment.opened, FEATURES)) if moment.artifact and measured_by(moment.artifact) else {}
            for moment in moments
        ]
        overall: Counter[str] = Counter()
        for features in known:
            for name, value in features.items():
                overall[name] += value  # type: ignore[assignment]
        leading = [name for name, _ in overall.most_common(LINES)]
        named = [{name: features[name] for name in leading if name in features} for features in known]
        description = f"A line for each of the {len(leading)} features that mattered most over all runs."
        return over_runs(named, moments, "Feature importance over runs", description, up="importance")
