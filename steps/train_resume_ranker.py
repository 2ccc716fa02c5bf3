"""Which title a user goes on with: gradient-boosted trees over what may be resumed (LambdaMART, Burges 2010)."""

from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
import xgboost
from pydantic import Field

from kaon.dsl import Resources, step

from .continue_watching.candidates import Candidates, importance, numbered, with_continuation
from .continue_watching.resumable import CANDIDATE, SESSION

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class ResumeRanker(NamedTuple):
    """The model, and what it looks at."""

    resume_ranker: xgboost.Booster
    resume_importance: pd.DataFrame


@step(resources=Resources(cpus=1, memory="2GiB"))
def train_resume_ranker(
    ranking_moments: Candidates,
    *,
    rounds: Count = 150,
    learning_rate: Share = 0.1,
    depth: Count = 4,
    minimum_child_weight: Annotated[float, Field(ge=0)] = 5.0,
    subsample: Share = 0.8,
    features_per_node: Share = 0.5,
    l2: Annotated[float, Field(ge=0)] = 1.0,
    threads: Count = 1,
    seed: int = 0,
) -> ResumeRanker:
    """Return a ranker of titles that learnt from the sessions that resumed one.

    rounds: trees.
    depth: of a tree.
    minimum_child_weight: a leaf with less is not split off.
    subsample: share of rows per tree.
    features_per_node: share of features that a split may use.
    l2: on leaf values.
    threads: the model is the same on every machine only for the same number.
    """
    table = with_continuation(ranking_moments)
    names = (*CANDIDATE, *SESSION)
    parameters = {
        "objective": "rank:ndcg",
        "lambdarank_pair_method": "topk",
        "lambdarank_num_pair_per_sample": 8,
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
        table[list(names)].to_numpy(np.float32),
        table["played"].to_numpy(np.float32),
        qid=numbered(table),
        feature_names=list(names),
    )
    ranker = xgboost.train(parameters, rows, num_boost_round=rounds)
    return ResumeRanker(ranker, importance(ranker, names))
