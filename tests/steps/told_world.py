"""The small made-up world with the moment of every interaction: each item has a device on which it is mostly met."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import xgboost
from tests.steps.small_market import MARKETS, World, small_als, small_world

from kaon.artifacts import Metrics
from kaon.steps.build_index import build_index
from kaon.steps.context_told import WEEKDAYS
from kaon.steps.interactions import Interactions, interactions
from kaon.steps.market_models import MarketChoices
from kaon.steps.publish import publish
from kaon.steps.ranking import Rows
from kaon.steps.split_interactions import split_interactions
from kaon.steps.train_ranker import Ranker, train_ranker
from kaon.steps.two_tower import untrained

DEVICES = ("phone", "tablet", "tv")
AT_HOME = 0.7
"""Share of an item's interactions on its own device; the others are on any."""


@cache
def told_world() -> World:
    """Return the world; hour and weekday say nothing of the items."""
    world = small_world(users=600)
    told = _told(world.everything)
    return replace(
        world,
        everything=told,
        **{name: _as_told(getattr(world, name), told) for name in ("train", "ranking", "test")},
    )


def own_device(items: Rows) -> Rows:
    """Return the device on which each item, by its number, is mostly met; the items of a group differ in it."""
    return items // 6 % len(DEVICES)


@cache
def untold_world() -> World:
    """Return the same world with no moment told."""
    world = told_world()
    slices = ("everything", "train", "ranking", "test")
    columns = ["device", "hour", "weekday"]
    return replace(world, **{name: Interactions(getattr(world, name).drop(columns=columns)) for name in slices})


@cache
def told_ranker(rounds: int = 60) -> Ranker:
    """Return what learnt from the world."""
    return ranker_of(told_world(), rounds)


def ranker_of(world: World, rounds: int = 60, markets: list[str] = MARKETS) -> Ranker:
    """Return what learnt from a world."""
    slices = (world.train, world.ranking)
    models = (world.als, world.tower, {}, {}, {}, world.choices, markets)
    return train_ranker(*slices, *models, rounds=rounds, minimum_users=1, negatives=30)


def told_bundle(home: Path) -> Path:
    """Return the folder of the world's recommender, published in the home without an image."""
    return bundle_of(told_world(), MARKETS, told_ranker().ranker, home)


def bundle_of_dataset(frame: Interactions, home: Path, **shares: float) -> Path:
    """Return the folder of a recommender that learnt from a data set by small models, published in the home."""
    split = split_interactions(frame, **shares)
    items = sorted(frame["item_id"].unique())
    als, tower = small_als(split.train), untrained(items, split.markets, 8, 0)
    world = World(frame, split.train, split.ranking, split.test, als, tower, MarketChoices({}))
    return bundle_of(world, split.markets, ranker_of(world, 20, split.markets).ranker, home)


def bundle_of(world: World, markets: list[str], ranker: xgboost.Booster, home: Path) -> Path:
    """Return the folder of a world's recommender, published in the home without an image."""
    with patch.dict(os.environ, KAON_HOME=str(home)):
        receipt = publish(
            world.everything,
            world.test,
            world.als,
            world.tower,
            {},
            {},
            {},
            world.choices,
            markets,
            ranker,
            build_index(world.als, compared_users=20).item_index,
            Metrics({"recall@10": 1.0}),
            stable=True,
            name="told",
            publisher="bundle",
            minimum_gain=-1.0,
        )
    return Path(receipt.bundle)


def _told(frame: Interactions) -> Interactions:
    random = np.random.default_rng(7)
    own = own_device(frame["item_id"].str[1:].astype(int).to_numpy())
    any_device = random.integers(len(DEVICES), size=len(frame))
    device = np.where(random.random(len(frame)) < AT_HOME, own, any_device)
    moment = {
        "device": np.array(DEVICES)[device],
        "hour": [f"{hour:02}" for hour in random.integers(24, size=len(frame))],
        "weekday": np.array(WEEKDAYS)[random.integers(7, size=len(frame))],
    }
    return interactions(frame.assign(**moment))


def _as_told(slice_: Interactions, told: Interactions) -> Interactions:
    columns = ["user_id", "item_id", "device", "hour", "weekday"]
    return interactions(pd.DataFrame(slice_).merge(told[columns], on=["user_id", "item_id"]))
