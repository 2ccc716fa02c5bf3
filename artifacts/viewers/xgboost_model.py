"""Boosted trees."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..amounts import size as size_said
from ..artifact import Artifact
from .blocks import Block, Cell, Note, Tree, facts
from .charts import bars
from .opened import Opened

LARGEST = 256 << 20
"""Bytes of a model that is loaded to be shown."""


class XGBoostModelViewer:
    """What it predicts, of how many trees, and which features they split by."""

    name = "xgboost_model"
    title = "Boosted trees"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "xgboost_model" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        if opened.artifact.size > LARGEST:
            return [Note("This model is too large to be loaded for a look; its summary tells what it is.")]
        model = opened.value
        config = json.loads(model.save_config())
        learner = config["learner"]
        named: dict[str, Cell] = {
            "objective": learner["objective"]["name"],
            "rounds": int(model.num_boosted_rounds()),
            "features": int(model.num_features()),
            "size": size_said(opened.artifact.size),
        }
        gain = model.get_score(importance_type="total_gain")
        ranked = sorted(((str(name), float(value)) for name, value in gain.items()), key=lambda pair: -pair[1])[:30]
        title, description = "What the trees look at", "Total gain of each feature, the most important first."
        picture: list[Block] = [bars(ranked, title, description, "total gain")] if ranked else []
        return [facts(named), *picture, Tree(learner, "Parameters")]
