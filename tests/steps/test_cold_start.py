"""Titles that nobody met: who ranks them, and what popularity can say of them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from tests.benchmarks.cold_start import FAIR, SCHEDULE, TOWER, measure
from tests.steps.retrieval_data import rows

from kaon.steps.cold_start import (
    ColdQuestion,
    cold_question,
    hold_out_items,
    intervals,
    ranks_by_chance,
    ranks_by_genre,
    ranks_by_oracle,
    ranks_by_tokens,
)
from kaon.steps.datasets import MissingDataset, load
from kaon.steps.datasets.catalogue import Catalogue, catalogue, load_catalogue
from kaon.steps.interactions import Interactions, interactions
from kaon.steps.ranking import hit_rate_at, ndcg_at

GENRES = ("Crime", "Drama", "War")


@cache
def world() -> Interactions:
    """Return users who each keep to one genre; item n is of genre n % 3."""
    chance = np.random.default_rng(0)
    met = [(f"u{user:03}", f"i{item:03}") for user in range(240) for item in user % 3 + 3 * chance.permutation(40)[:15]]
    frame = pd.DataFrame(met, columns=["user_id", "item_id"])
    return interactions(frame.assign(market=np.where(frame["user_id"] < "u120", "ca", "mx"), rating=1.0))


@cache
def films() -> Catalogue:
    return catalogue(
        pd.DataFrame({"item_id": [f"i{n:03}" for n in range(120)], "genres": [[GENRES[n % 3]] for n in range(120)]})
    )


def small_question() -> ColdQuestion:
    """Return the task of two users who met new items: ann a drama, bob a drama and a war film."""
    cold = rows(("ann", "new drama"), ("bob", "new drama"), ("bob", "new war"))
    return cold_question(small_train(), cold, small_catalogue())


def small_train() -> Interactions:
    return rows(("ann", "war 1"), ("bob", "war 1"), ("cid", "war 2"), ("cid", "drama 1"))


def small_catalogue() -> Catalogue:
    names = ["war 1", "war 2", "drama 1", "drama 2", "new drama", "new war", "never met"]
    return catalogue(
        pd.DataFrame({"item_id": names, "genres": [[name.split()[-1 if "new" in name else 0]] for name in names]})
    )


def test_held_out_items_are_nowhere_in_train():
    warm, cold = hold_out_items(world(), share=0.2, seed=0)

    assert not set(warm["item_id"]) & set(cold["item_id"])
    assert len(warm) + len(cold) == len(world())
    assert 0.1 < cold["item_id"].nunique() / 120 < 0.3


def test_which_items_are_held_out_depends_on_their_ids_and_the_seed_alone():
    some = Interactions(world().sample(frac=0.5, random_state=0))
    held, of_some, by_another = (
        set(hold_out_items(frame, share=0.2, seed=seed)[1]["item_id"])
        for frame, seed in [(world(), 0), (some, 0), (world(), 1)]
    )

    assert of_some == held & set(some["item_id"])
    assert by_another != held


def test_a_cold_question_ranks_the_new_items_that_somebody_met():
    asked = small_question()

    assert asked.items["item_id"].tolist() == ["new drama", "new war"]
    assert asked.user_ids.tolist() == ["ann", "bob"]
    assert asked.histories == (["war 1"], ["war 1"])
    assert list(zip(asked.user.tolist(), asked.item.tolist(), strict=True)) == [(0, 0), (1, 0), (1, 1)]


def test_a_new_item_is_as_popular_as_the_items_of_its_genre_in_the_market():
    ranks = ranks_by_genre(small_question(), small_train(), small_catalogue())

    assert ranks.rank.tolist() == [2, 2, 1]


def test_popularity_is_foretold_from_the_tokens_of_an_item():
    ranks = ranks_by_tokens(small_question(), small_train(), small_catalogue(), penalty=0.1)

    assert ranks.rank.tolist() == [2, 2, 1]


def test_the_oracle_knows_what_will_be_popular():
    assert ranks_by_oracle(small_question()).rank.tolist() == [1, 1, 2]


def test_chance_depends_on_the_seed_alone():
    one, same, other = (ranks_by_chance(small_question(), seed=seed).rank.tolist() for seed in (0, 0, 3))

    assert one == same != other


def test_metrics_are_reported_with_their_intervals():
    found = intervals(small_oracle := ranks_by_oracle(small_question()), k=1)

    assert list(found) == ["ndcg@1", "recall@1", "hit_rate@1"]
    assert found["recall@1"].mean == 0.75
    assert found["hit_rate@1"].mean == hit_rate_at(1, small_oracle).mean() == 1.0


def test_content_ranks_new_titles_by_the_taste_of_the_user():
    found = measure(world(), films(), schedule=replace(SCHEDULE, epochs=6, batch_size=64, uniform_negatives=16))

    assert ndcg_at(10, found.ranks[TOWER]).mean() > 0.5  # titles of one genre tie, and the right ones come last
    assert found.gain()[1].low > 0.2


def test_on_movielens_content_beats_all_that_popularity_can_say():
    try:
        frame, told = load("movielens-1m"), load_catalogue("movielens-1m")
    except MissingDataset as missing:
        pytest.skip(str(missing))

    found = measure(frame, told, schedule=replace(SCHEDULE, epochs=1), pairs=15)

    ndcg = {name: ndcg_at(10, ranks).mean() for name, ranks in found.ranks.items()}
    assert ndcg[TOWER] > 0.26
    assert found.gain()[1].low > 0.05
    assert all(ndcg[TOWER] > 1.4 * ndcg[name] for name in FAIR)
