"""Update yesterday's two-tower model with what is new, and find out whether a full retraining is better."""

from datetime import datetime

from pydantic import BaseModel

from kaon.dsl import workflow
from kaon.steps.compare_update import compare_update
from kaon.steps.cut_by_time import cut_by_time
from kaon.steps.datasets import Dataset
from kaon.steps.retrain_tower import retrain_tower
from kaon.steps.select_users import select_users
from kaon.steps.train_two_tower import train_two_tower
from kaon.steps.update_tower import update_tower


class Params(BaseModel):
    """What reaches every step that asks for it."""

    dataset: Dataset = "movielens-small"
    """One with time."""
    as_of: datetime | None = None
    """When today ends; without, so that the last tenth of the interactions comes after it and judges."""
    seed: int = 0
    """Seed of every random choice."""


incremental = workflow(
    "incremental",
    select_users
    >> cut_by_time
    >> train_two_tower.reads(train="yesterday")
    >> [update_tower, retrain_tower]
    >> compare_update,
    params=Params,
    report=("update_report", "update_table"),
    doc="Update yesterday's two-tower model with what is new, beside a full retraining, and keep the better.",
)
