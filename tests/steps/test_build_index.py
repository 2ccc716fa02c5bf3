import faiss
import numpy as np
import pytest

from kaon.artifacts import FactorModel
from kaon.steps.build_index import build_index, by_inner_product, exact_index, graph_index, recall_against


def factors(items=400, users=60, rank=8, seed=0):
    """Return factors whose norms differ much, as those of ALS do."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(items, rank)) * random.lognormal(size=(items, 1))
    names = (np.array([f"{kind}{n:04}" for n in range(count)]) for kind, count in (("u", users), ("i", items)))
    return FactorModel(*names, random.normal(size=(users, rank)), vectors, {})


def test_both_kinds_of_index_search_by_inner_product():
    items = factors().item_factors

    assert exact_index(items).metric_type == faiss.METRIC_INNER_PRODUCT
    assert graph_index(items, 16, 64, 40).metric_type == faiss.METRIC_INNER_PRODUCT


def test_an_index_by_distance_is_refused():
    with pytest.raises(ValueError, match="IndexHNSWFlat searches by metric 1, not by inner product"):
        by_inner_product(faiss.IndexHNSWFlat(8, 16))


def test_exact_search_finds_the_largest_inner_products_of_vectors_as_they_are():
    model = factors()

    found = exact_index(model.item_factors).search(model.user_factors[:5], 10)[1]

    scores = model.user_factors[:5] @ model.item_factors.T
    assert np.array_equal(found, np.argsort(-scores, axis=1, kind="stable")[:, :10])


def test_recall_is_the_share_of_true_neighbours_that_were_found():
    assert recall_against(np.array([[1, 2], [3, 4]]), np.array([[2, 1], [9, 3]])) == 0.75


def test_a_graph_that_finds_too_little_is_not_chosen_however_fast_it_is():
    report = build_index(factors(), links=2, search_depth=1, construction_depth=2, minimum_recall=1.0).index_report

    assert report["recall@10.hnsw"] < 1
    assert (report["chosen.hnsw"], report["recall@10"]) == (0, 1)


def test_the_graph_is_chosen_where_there_are_many_items_and_it_finds_enough():
    settings = {"links": 8, "search_depth": 8, "construction_depth": 20, "minimum_recall": 0.0}
    few, many = (build_index(factors(), graph_from=least, **settings) for least in (401, 400))

    assert (few.index_report["chosen.hnsw"], many.index_report["chosen.hnsw"]) == (0, 1)
    assert isinstance(many.item_index, faiss.IndexHNSWFlat)


def test_equal_factors_give_an_equal_index():
    first, second = (build_index(factors(items=3_000), graph_from=1_000).item_index for _ in range(2))

    assert faiss.serialize_index(first).tobytes() == faiss.serialize_index(second).tobytes()


def test_the_report_says_what_was_chosen_and_how_big_it_is():
    made = build_index(factors(items=5))

    assert (made.index_report["items"], made.index_report["dim"], made.item_index.ntotal) == (5, 8, 5)
