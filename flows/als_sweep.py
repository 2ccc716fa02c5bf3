"""Which settings suit ALS: every combination of some, trained, judged on the tuning slice, and ranked."""

from typing import Literal

from pydantic import BaseModel

from kaon.artifacts import Metrics
from kaon.dsl import sweep, workflow
from kaon.steps.evaluate_als import evaluate_als
from kaon.steps.leaderboard import leaderboard_of
from kaon.steps.select_users import select_users
from kaon.steps.split_interactions import split_interactions
from kaon.steps.train_als import train_als


class Params(BaseModel):
    """What reaches every step that asks for it."""

    seed: int = 0
    """Seed of every random choice."""
    only_markets: tuple[str, ...] = ("t1",)
    """Markets that are trained on; empty takes all."""
    engine: Literal["spark", "implicit"] = "implicit"
    """What trains; on one machine implicit takes a tenth of the time."""
    objective: str = "als_metrics.ndcg@10"
    """Column of the leaderboard that the points are ranked by."""


als_sweep = workflow(
    "als_sweep",
    select_users
    >> split_interactions
    >> sweep(rank=[32, 64, 128], alpha=[10.0, 40.0], regularization=[0.1, 10.0]).do(train_als >> evaluate_als)
    >> leaderboard_of({"als_metrics": Metrics}),
    params=Params,
    report=("leaderboard",),
    doc="Train ALS with every combination of settings, and rank them by nDCG@10 on the tuning slice.",
)
