"""The index that finds candidates: FAISS over the ALS item vectors, by inner product."""

import time
from typing import Annotated, NamedTuple

import faiss
import numpy as np
from pydantic import Field
from threadpoolctl import threadpool_limits

from kaon.artifacts import FactorModel, Metrics
from kaon.dsl import Resources, current_step, step

from .one_blas_thread import one_blas_thread
from .sources import Rows, Vectors

Count = Annotated[int, Field(gt=0)]


class Index(NamedTuple):
    """The index, and how it compares with exact search."""

    item_index: faiss.Index
    index_report: Metrics


@step(resources=Resources(cpus=1, memory="2GiB"))
def build_index(
    als: FactorModel,
    *,
    links: Count = 32,
    search_depth: Count = 64,
    construction_depth: Count = 80,
    compared_users: Count = 1_000,
    graph_from: Count = 15_000,
    minimum_recall: Annotated[float, Field(ge=0, le=1)] = 0.98,
    k: Count = 10,
) -> Index:
    """Return an HNSW graph over the item factors where they are many and it finds enough of them, else exact search.

    Which it is follows from the factors alone, so that equal factors give an equal index; the report has the time that
    a search takes here with either.

    Neither normalises: what the norms of ALS factors carry would be lost. Vectors are in the order of `als.item_ids`.

    links: of each item in the graph (HNSW's M).
    search_depth: items that a search of the graph keeps in view (efSearch).
    construction_depth: the same while the graph is built (efConstruction).
    compared_users: users whose searches are timed and compared, the first of a fixed random order.
    graph_from: items from which on the graph is chosen; below, exact search is as fast.
    minimum_recall: of the graph against exact search, below which exact search is chosen however slow.
    k: items per search.
    """
    items = np.ascontiguousarray(als.item_factors, dtype="f4")
    k = min(k, len(items))
    order = np.random.default_rng(0).permutation(len(als.user_factors))[:compared_users]
    users = np.ascontiguousarray(als.user_factors[order], dtype="f4")
    exact, graph = exact_index(items), graph_index(items, links, search_depth, construction_depth)
    truth, exact_seconds = _searched(exact, users, k)
    found, graph_seconds = _searched(graph, users, k)
    recall = recall_against(truth, found)
    graph_wins = recall >= minimum_recall and len(items) >= graph_from
    chosen = graph if graph_wins else exact
    current_step().log(
        f"chose {'the HNSW graph' if graph_wins else 'exact search'}: recall@{k} of the graph {recall:.4f}, "
        f"{1e6 * graph_seconds / len(users):.0f} µs a search against {1e6 * exact_seconds / len(users):.0f} µs"
    )
    report = {
        "recall@10": recall if graph_wins else 1.0,
        "recall@10.hnsw": recall,
        "microseconds.exact": 1e6 * exact_seconds / len(users),
        "microseconds.hnsw": 1e6 * graph_seconds / len(users),
        "chosen.hnsw": float(graph_wins),
        "items": float(chosen.ntotal),
        "dim": float(chosen.d),
    }
    return Index(chosen, Metrics(report))


def exact_index(items: Vectors) -> faiss.Index:
    """Return exact search by inner product; items: shape (items, dim)."""
    index = faiss.IndexFlatIP(items.shape[1])
    index.add(items)
    return by_inner_product(index)


def graph_index(items: Vectors, links: int, search_depth: int, construction_depth: int) -> faiss.Index:
    """Return an HNSW graph that searches by inner product, which is not FAISS's default metric for it.

    Built on one thread: several link the items in the order in which they happen to come.
    """
    index = faiss.IndexHNSWFlat(items.shape[1], links, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = construction_depth
    index.hnsw.efSearch = search_depth
    with threadpool_limits(1, user_api="openmp"):
        index.add(items)
    return by_inner_product(index)


def by_inner_product(index: faiss.Index) -> faiss.Index:
    """Return the index as it is. Raises ValueError if it searches by another metric: it would find other items."""
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise ValueError(
            f"{type(index).__name__} searches by metric {index.metric_type}, not by inner product "
            f"({faiss.METRIC_INNER_PRODUCT}): the distance of ALS factors says nothing; "
            "build it with faiss.METRIC_INNER_PRODUCT"
        )
    return index


def recall_against(truth: Rows, found: Rows) -> float:
    """Return the mean share of the true neighbours that were found; both of shape (searches, k).

    >>> recall_against(np.array([[1, 2]]), np.array([[2, 3]]))
    0.5
    """
    return float((truth[:, :, None] == found[:, None, :]).any(axis=2).mean())


def _searched(index: faiss.Index, users: Vectors, k: int) -> tuple[Rows, float]:
    """Return what the index finds for each user, searched one at a time as in serving, and the seconds it took.

    One search is too small to share between threads; FAISS's and the BLAS's would only wait for each other.
    """
    with one_blas_thread(), threadpool_limits(1, user_api="openmp"):
        index.search(users[:1], k)
        begun = time.perf_counter()
        found = np.concatenate([index.search(users[row : row + 1], k)[1] for row in range(len(users))])
        return found, time.perf_counter() - begun
