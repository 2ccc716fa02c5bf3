import numpy as np
import pytest
from tests.steps.retrieval_data import clubs, rows, s3

from kaon.artifacts import FactorModel
from kaon.steps.evaluate_als import evaluate_als
from kaon.steps.full_ranking import question, ranks_by_factors, ranks_by_popularity
from kaon.steps.interactions import pairs
from kaon.steps.ranking import ndcg_at
from kaon.steps.train_als import train_als
from kaon.steps.vector_source import fold_in


def test_als_ranks_a_market_far_above_popularity():
    split = s3()
    als = train_als(split.train, engine="implicit")
    asked = question("s3", split.train, split.tuning)

    ndcg = ndcg_at(10, ranks_by_factors(asked, als)).mean()

    assert ndcg > 0.48
    assert ndcg > 3 * ndcg_at(10, ranks_by_popularity(asked, split.train)).mean()


@pytest.mark.spark
def test_both_engines_make_equally_good_models():
    split = s3()
    settings = {"rank": 16, "iterations": 5, "regularization": 0.1, "alpha": 40.0}
    spark = train_als(split.train, engine="spark", **settings)
    implicit = train_als(split.train, engine="implicit", **settings)

    one, other = (evaluate_als(model, split.train, split.tuning).als_metrics["ndcg@10"] for model in (spark, implicit))

    assert one == pytest.approx(other, abs=0.02)
    assert one > 0.35


@pytest.mark.spark
def test_spark_solves_the_equations_of_implicit_als():
    frame = clubs(12, "ca")
    als = train_als(frame, engine="spark", rank=3, iterations=30, regularization=0.1, alpha=5.0)
    items = als.item_factors.astype("f8")
    met = set(frame[frame["user_id"] == als.user_ids[4]]["item_id"])
    ones = np.isin(als.item_ids, list(met)).astype("f8")

    confidence = np.diag(1 + 5.0 * ones)
    penalty = 0.1 * len(met) * np.eye(3)
    exact = np.linalg.solve(items.T @ confidence @ items + penalty, items.T @ confidence @ ones)

    assert np.allclose(als.user_factors[4], exact, atol=0.02)


@pytest.mark.parametrize("engine", ["implicit", pytest.param("spark", marks=pytest.mark.spark)])
def test_factors_stand_in_the_order_of_sorted_ids_whatever_the_rows(engine):
    frame = clubs(12, "ca")
    shuffled = frame.sample(frac=1, random_state=2).reset_index(drop=True)
    one, other = (train_als(table, engine=engine, rank=4, iterations=3) for table in (frame, shuffled))

    assert one.user_ids.tolist() == sorted(set(frame["user_id"]))
    assert one.item_ids.tolist() == sorted(set(frame["item_id"]))
    assert one.user_factors.shape == (12, 4)
    assert np.abs(one.user_factors).max(axis=1).min() > 0
    assert np.allclose(one.user_factors @ one.item_factors.T, other.user_factors @ other.item_factors.T, atol=1e-3)


def test_an_attempt_starts_from_another_seed():
    frame = clubs(12, "ca")

    first = train_als(frame, engine="implicit", rank=4, iterations=1, seed=5)
    second = train_als(frame, engine="implicit", rank=4, iterations=1, seed=5, attempt=2)

    assert first.config["seed"] == 5
    assert second.config["seed"] == 6
    assert not np.allclose(first.user_factors, second.user_factors)


def test_implicit_gives_the_same_vectors_on_any_number_of_threads():
    one, other = (train_als(clubs(40, "ca"), engine="implicit", rank=8, iterations=3, blocks=n) for n in (1, 3))

    assert np.array_equal(one.user_factors, other.user_factors)
    assert np.array_equal(one.item_factors, other.item_factors)


@pytest.mark.parametrize(
    ("engine", "penalty"),
    [
        ("implicit", lambda interactions: 0.1),
        pytest.param("spark", lambda interactions: 0.1 * interactions, marks=pytest.mark.spark),
    ],
)
def test_a_history_folds_in_to_the_vector_that_its_user_has(engine, penalty):
    frame = clubs(40, "ca")
    als = train_als(frame, engine=engine, rank=4, iterations=3, regularization=0.1, alpha=5.0)

    folded = fold_in(pairs(frame).matrix(), als.item_factors, alpha=5.0, regularization=penalty)

    assert np.allclose(folded, als.user_factors, atol=1e-4)


def test_metrics_are_given_over_all_and_by_market_and_cold_users_count_as_zero():
    train = rows(("ann", "tea"), ("bob", "milk"), ("bob", "tea"))
    asked = rows(("ann", "milk"), ("new", "tea"))
    vectors = np.ones((2, 1), "f4")
    als = FactorModel(np.array(["ann", "bob"]), np.array(["milk", "tea"]), vectors, vectors)

    metrics = evaluate_als(als, train, asked).als_metrics

    assert metrics["ndcg@10"] == metrics["ndcg@10.ca"] == metrics["recall@10"] == 0.5
    assert metrics["ndcg@10.low"] == 0.0
    assert (metrics["users"], metrics["users.cold"]) == (2, 1)
