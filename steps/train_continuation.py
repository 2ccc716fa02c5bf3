"""How likely a session goes on with something: gradient-boosted trees over what was known when it began."""

from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
import xgboost
from pydantic import Field

from kaon.dsl import Resources, step

from .continue_watching.candidates import ODDS, Candidates, continued, importance, odds_features

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class Continuation(NamedTuple):
    """The model, and what it looks at."""

    continuation: xgboost.Booster
    continuation_importance: pd.DataFrame


@step(resources=Resources(cpus=1, memory="2GiB"))
def train_continuation(
    placing_moments: Candidates,
    resume_ranker: xgboost.Booster,
    *,
    rounds: Count = 120,
    learning_rate: Share = 0.05,
    depth: Count = 4,
    minimum_child_weight: Annotated[float, Field(ge=0)] = 10.0,
    subsample: Share = 0.8,
    features_per_node: Share = 0.5,
    l2: Annotated[float, Field(ge=0)] = 1.0,
    threads: Count = 1,
    seed: int = 0,
) -> Continuation:
    """Return the model of the odds that a session resumes one of its titles rather than begins a new one.

    It learns from sessions that the ranker did not see, so that the ranker's scores are as they are in serving.

    rounds: trees.
    depth: of a tree.
    minimum_child_weight: a leaf with less is not split off.
    subsample: share of rows per tree.
    features_per_node: share of features that a split may use.
    l2: on leaf values.
    threads: the model is the same on every machine only for the same number.
    """
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "eta": learning_rate,
        "max_depth": depth,
        "min_child_weight": minimum_child_weight,
        "subsample": subsample,
        "colsample_bynode": features_per_node,
        "reg_lambda": l2,
        "nthread": threads,
        "seed": seed,
    }
    rows = xgboost.DMatrix(
        odds_features(resume_ranker, placing_moments),
        continued(placing_moments).astype(np.float32),
        feature_names=list(ODDS),
    )
    model = xgboost.train(parameters, rows, num_boost_round=rounds)
    return Continuation(model, importance(model, ODDS))
