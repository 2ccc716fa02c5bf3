"""The small made-up world published: what tests of images, of promotions and of commands share."""

from functools import cache

import xgboost
from tests.steps.small_market import MARKETS, World, small_world

from kaon.artifacts import Metrics
from kaon.steps.build_index import build_index
from kaon.steps.publish import publish
from kaon.steps.receipt import Receipt
from kaon.steps.train_ranker import train_ranker


@cache
def world() -> World:
    """Return the world that every test publishes from."""
    return small_world()


@cache
def ranker(rounds: int) -> xgboost.Booster:
    """Return a ranker; another number of rounds is another model."""
    made = world()
    trained = train_ranker(
        made.train,
        made.ranking,
        made.als,
        made.tower,
        {},
        {},
        {},
        made.choices,
        MARKETS,
        rounds=rounds,
        minimum_users=1,
    )
    return trained.ranker


def published(name: str, *, rounds: int = 20, stable: bool = True, **settings: object) -> Receipt:
    """Return the receipt of the small world's recommender, published under the name in a container."""
    made = world()
    return publish(
        made.everything,
        made.test,
        made.als,
        made.tower,
        {},
        {},
        {},
        made.choices,
        MARKETS,
        ranker(rounds),
        build_index(made.als, compared_users=20).item_index,
        Metrics({"recall@10": 1.0}),
        stable,
        **{"name": name, "publisher": "docker", "minimum_gain": -1.0, **settings},
    )
