"""Whether an update of yesterday's towers will do, or a full retraining is needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from kaon.artifacts import Metrics
from kaon.dsl import current_step, step

from .full_ranking import questions, ranks_by_tower
from .interactions import Interactions
from .ranking import Floats, Interval, bootstrap_interval, ndcg_at
from .two_tower import TwoTower

K = 10

Training = Literal["yesterday", "updated", "retrained"]
Margin = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What was decided, and on what evidence; all in nDCG@10."""

    decision: Literal["update", "retrain"]
    reason: str
    gain: Interval
    """What the update gains over the retraining on the judged slice, user by user."""
    forgotten: Interval
    """What the update gains over yesterday's towers on what these know: yesterday's users, histories and items."""
    seconds: Mapping[Training, float]
    """What the update and the retraining took, side by side."""


class Comparison(NamedTuple):
    """The towers to go on with, why, and a table: a row for each group of users and towers."""

    next_tower: TwoTower
    update_report: UpdateReport
    update_table: pd.DataFrame


@step
def compare_update(
    yesterday: Interactions,
    today: Interactions,
    judged: Interactions,
    tower: TwoTower,
    updated_tower: TwoTower,
    retrained_tower: TwoTower,
    update_cost: Metrics,
    retrain_cost: Metrics,
    *,
    maximum_loss: Margin = 0.01,
    maximum_forgotten: Margin = 0.01,
    seed: int = 0,
) -> Comparison:
    """Return the updated towers if they are as good as retrained ones and have forgotten nothing, else the retrained.

    Both are judged on the interactions after today. Forgetting is measured on the users of yesterday by the question
    that yesterday's towers were trained for: yesterday's histories and items.

    maximum_loss: the whole interval of what the update gains over the retraining must lie above minus this.
    maximum_forgotten: the same for what it gains over yesterday's towers on what these know.
    seed: of the bootstrap.
    """
    towers: dict[Training, TwoTower] = {"yesterday": tower, "updated": updated_tower, "retrained": retrained_tower}
    old = judged["user_id"].isin(yesterday["user_id"].unique())
    new = ~old & judged["user_id"].isin(today["user_id"].unique())
    known = _scores(yesterday, Interactions(judged[old].reset_index(drop=True)), towers)
    groups = {
        "all users": _scores(today, judged, towers),
        "users of yesterday": _scores(today, Interactions(judged[old].reset_index(drop=True)), towers),
        "users since yesterday": _scores(today, Interactions(judged[new].reset_index(drop=True)), towers),
        "what yesterday knew": known,
    }
    everyone = groups["all users"]
    gain = bootstrap_interval(everyone["updated"] - everyone["retrained"], seed=seed)
    forgotten = bootstrap_interval(known["updated"] - known["yesterday"], seed=seed)
    decision, reason = _decided(gain, forgotten, maximum_loss, maximum_forgotten)
    seconds: dict[Training, float] = {"updated": update_cost["seconds"], "retrained": retrain_cost["seconds"]}
    report = UpdateReport(decision, reason, gain, forgotten, seconds)
    current_step().log(f"{decision}: {reason}; seconds {seconds}")
    chosen = updated_tower if decision == "update" else retrained_tower
    return Comparison(chosen, report, _table(groups, seed))


def _scores(
    histories: Interactions, judged: Interactions, towers: Mapping[Training, TwoTower]
) -> dict[Training, Floats]:
    asked = questions(histories, judged)
    return {
        name: np.concatenate([*(ndcg_at(K, ranks_by_tower(one, tower)) for one in asked), np.empty(0)])
        for name, tower in towers.items()
    }


def _decided(
    gain: Interval, forgotten: Interval, maximum_loss: float, maximum_forgotten: float
) -> tuple[Literal["update", "retrain"], str]:
    if not gain.users:
        return "retrain", "nobody is there to judge the update"
    if gain.low <= -maximum_loss:
        return "retrain", f"the update may lose more than {maximum_loss:g} against the retraining: {gain}"
    if forgotten.low <= -maximum_forgotten:
        return "retrain", f"the update may have forgotten more than {maximum_forgotten:g} of yesterday: {forgotten}"
    return "update", f"against the retraining {gain}, against yesterday on what it knew {forgotten}"


def _table(groups: Mapping[str, Mapping[Training, Floats]], seed: int) -> pd.DataFrame:
    rows = []
    for group, scores in groups.items():
        for name, values in scores.items():
            measured = bootstrap_interval(values, seed=seed)
            rows.append(
                {
                    "group": group,
                    "tower": name,
                    "users": measured.users,
                    f"ndcg@{K}": measured.mean,
                    "low": measured.low,
                    "high": measured.high,
                }
            )
    return pd.DataFrame(rows)
