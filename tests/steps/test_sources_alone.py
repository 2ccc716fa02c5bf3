"""Popularity and neighbours, each counted as an artifact and judged alone."""

import numpy as np
import pytest
from tests.steps.retrieval_data import clubs, rows, together

from kaon.steps.count_neighbours import count_neighbours
from kaon.steps.count_popularity import count_popularity
from kaon.steps.evaluate_neighbours import evaluate_neighbours
from kaon.steps.evaluate_popularity import evaluate_popularity
from kaon.steps.interactions import Interactions
from kaon.steps.source_table import source_table


@pytest.fixture(scope="module")
def two_markets():
    return together([clubs(80, "ca"), clubs(40, "uk")])


@pytest.fixture(scope="module")
def slices(two_markets):
    number = two_markets["user_id"].str[-4:].astype(int)
    held = two_markets.groupby("user_id").cumcount() == number // 2 % 5
    return Interactions(two_markets[~held]), Interactions(two_markets[held])


def test_popularity_counts_the_users_of_each_market_the_most_popular_first():
    table = count_popularity(together([rows(("a", "x"), ("b", "x"), ("b", "y")), rows(("c", "y"), market="uk")]))

    assert table.to_dict("list") == {
        "market": ["ca", "ca", "uk"],
        "item_id": ["x", "y", "y"],
        "users": [2, 1, 1],
    }


def test_neighbours_are_the_items_that_the_same_users_of_a_market_met_with_their_jaccard_similarity():
    table = count_neighbours(rows(("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"), ("c", "y"), ("c", "z")), shrinkage=0)

    found = {(row.item_id, row.neighbour_id): (row.users, round(row.score, 4)) for row in table.itertuples()}
    assert found == {("x", "y"): (2, 0.6667), ("y", "x"): (2, 0.6667), ("y", "z"): (1, 0.3333), ("z", "y"): (1, 0.3333)}


def test_the_closest_neighbours_of_an_item_are_kept_and_come_first(two_markets):
    whole, few = count_neighbours(two_markets), count_neighbours(two_markets, kept=3)

    first = whole.groupby(["market", "item_id"]).head(3).reset_index(drop=True)
    assert few.equals(first)
    assert (whole.groupby(["market", "item_id"])["score"].diff().dropna() <= 0).all()


def test_neighbours_know_the_club_of_a_user_and_popularity_does_not(slices):
    train, held = slices

    by_neighbours = evaluate_neighbours(count_neighbours(train), train, held)
    by_popularity = evaluate_popularity(count_popularity(train), train, held)

    assert by_neighbours["recall@10"] == 1.0
    assert by_neighbours["ndcg@10"] > by_popularity["ndcg@10"] + 0.1


def test_the_metrics_of_a_source_name_every_market_and_how_sure_they_are(slices):
    train, held = slices

    metrics = evaluate_neighbours(count_neighbours(train), train, held, k=5)

    assert metrics["ndcg@5.low"] <= metrics["ndcg@5"] <= metrics["ndcg@5.high"]
    assert metrics["ndcg@5"] == pytest.approx((80 * metrics["ndcg@5.ca"] + 40 * metrics["ndcg@5.uk"]) / 120)
    assert metrics["users"] == 120


def test_the_table_of_sources_has_the_best_first_in_all_and_in_each_market_with_lists():
    ndcg = {"weak": np.array([0.0, 0.5, 0.0]), "strong": np.array([1.0, 0.5, 1.0])}

    table = source_table(ndcg, np.array([0, 0, 1]), ["ca", "uk", "us"])

    assert table[["market", "source", "users"]].to_numpy().tolist() == [
        ["all", "strong", 3],
        ["all", "weak", 3],
        ["ca", "strong", 2],
        ["ca", "weak", 2],
        ["uk", "strong", 1],
        ["uk", "weak", 1],
    ]
