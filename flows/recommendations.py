"""Train, localise, validate and publish a recommender: the workflow that Kaon ships."""

from pydantic import BaseModel

from kaon.dsl import for_each, repeat, workflow
from kaon.steps.build_index import build_index
from kaon.steps.check_stability import check_stability
from kaon.steps.count_neighbours import count_neighbours
from kaon.steps.count_popularity import count_popularity
from kaon.steps.evaluate_als import evaluate_als
from kaon.steps.evaluate_market import evaluate_market
from kaon.steps.evaluate_neighbours import evaluate_neighbours
from kaon.steps.evaluate_popularity import evaluate_popularity
from kaon.steps.evaluate_recommender import evaluate_recommender
from kaon.steps.factorise_market import factorise_market
from kaon.steps.find_champion import find_champion
from kaon.steps.fine_tune import fine_tune
from kaon.steps.judge_reranking import judge_reranking
from kaon.steps.publish import publish
from kaon.steps.require_stable import require_stable
from kaon.steps.reranking import Reranking
from kaon.steps.select_models import select_models
from kaon.steps.select_users import select_users
from kaon.steps.split_interactions import split_interactions
from kaon.steps.train_als import train_als
from kaon.steps.train_ranker import train_ranker
from kaon.steps.train_two_tower import train_two_tower
from kaon.steps.write_model_card import write_model_card


class Params(BaseModel):
    """What reaches every step that asks for it."""

    seed: int = 0
    """Seed of every random choice; each attempt of the repetition adds to it."""
    reranking: Reranking = Reranking()
    """How lists are made of what was ranked."""


recommendations = workflow(
    "recommendations",
    select_users
    >> [split_interactions, find_champion]
    >> repeat(until="stable", at_most=3).do(
        [
            count_popularity >> evaluate_popularity,
            count_neighbours >> evaluate_neighbours,
            [train_als >> evaluate_als, train_two_tower]
            >> for_each(market="markets").do([fine_tune, factorise_market] >> evaluate_market),
            train_two_tower.with_(attempt=1001).rename(tower="twin_tower", tower_curve="twin_curve"),
        ]
        >> select_models
        >> check_stability,
        exhausted="continue",
    )
    >> require_stable
    >> train_ranker
    >> [build_index, evaluate_recommender, judge_reranking]
    >> publish
    >> write_model_card,
    params=Params,
    report=(
        *("market_table", "stability_report", "ranker_metrics", "index_report", "evaluation_table", "reranking_table"),
        "receipt",
    ),
    doc="Count and train what retrieves, choose per market, rank, index and publish.",
)
