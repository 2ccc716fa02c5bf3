"""From visitors to lists: retrieve candidates, rank them, and make lists of the best."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import xgboost
from scipy import sparse

from ..candidates import RETRIEVING, retrieve
from ..features import Queries
from ..list_ranker import ranked_scores
from ..neighbours import lookup
from ..ranking import Rows, Scores, top_scores
from ..retrieve_for_one import retrieve_for_one
from ..sources import Sources, Vectors
from ..vector_source import unit_vectors
from .candidate_facts import candidate_users, candidate_vectors, in_tail, population_of
from .exploration import explored
from .genres import GenreTable
from .mmr import diversified
from .relevance import blended
from .settings import Reranking
from .visitors import Fallback, Visitors, questions_of

Mask = npt.NDArray[np.bool_]

VISITORS_AT_ONCE = 512


class Served(Protocol):
    """What lists are made with; a bundle has both."""

    @property
    def sources(self) -> Sources:
        """What retrieves, and what the features are computed from."""

    @property
    def ranker(self) -> xgboost.Booster:
        """What orders the candidates."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """One list per visitor."""

    items: Rows
    """Rows of `sources.item_ids`, best first, -1 beyond a list's end; shape (visitors, k)."""
    fallbacks: tuple[Fallback, ...]
    """What each list rests on."""
    explored: Mask
    """The places that exploration gave away, shape (visitors, k)."""

    def item_ids(self, sources: Sources) -> list[list[str]]:
        """Return the lists by item id."""
        names = np.append(sources.item_ids, "").astype(object)
        return [[item for item in row if item] for row in names[self.items].tolist()]


def recommend(
    served: Served,
    visitors: Visitors,
    *,
    k: int = 10,
    settings: Reranking | None = None,
    genres: GenreTable | None = None,
    only: Mask | None = None,
) -> Answers:
    """Return a list of k items for each visitor, shorter only where there are not so many.

    Nobody is offered what is in the own history, what was chosen, or what is to be left out. The answer to a visitor
    does not depend on who else is answered.

    served: a bundle, say.
    genres: of the items, for a cap.
    only: the items that may be offered, shape (items,), such as those of a genre; all where it is None.
    """
    settings = settings or Reranking()
    items, shown = [np.empty((0, k), dtype=np.int64)], [np.empty((0, k), dtype=bool)]
    for start in range(0, len(visitors.user), VISITORS_AT_ONCE):
        part = visitors.part(np.arange(start, min(start + VISITORS_AT_ONCE, len(visitors.user))))
        found, scores = ranked_candidates(served, part, settings, only=only)
        lists, places = reranked(served.sources, part, found, scores, settings, k=k, genres=genres)
        items.append(lists)
        shown.append(places)
    return Answers(np.concatenate(items), visitors.fallbacks(), np.concatenate(shown))


def ranked_candidates(
    served: Served, visitors: Visitors, settings: Reranking, *, only: Mask | None = None
) -> tuple[Rows, Vectors]:
    """Return the candidates of each visitor in ascending order and the ranker's scores, -inf for what is no candidate.

    Both have the shape (visitors, candidates).
    """
    asked = questions_of(served.sources, visitors, np.empty((len(visitors.user), 0), dtype=np.int64))
    found = retrieved(served.sources, visitors, asked, settings, only=only)
    return found, ranked_scores(served.ranker, served.sources, replace(asked, items=found))


def retrieved(
    sources: Sources, visitors: Visitors, asked: Queries, settings: Reranking, *, only: Mask | None = None
) -> Rows:
    """Return the candidates of each visitor in ascending order, -1 for none, shape (visitors, candidates).

    asked: the visitors' questions, of `questions_of`; which items they name does not count.
    """
    found = _union(sources, asked, settings.per_source)
    if only is not None:
        found = np.concatenate([found, _popular(sources, visitors, asked.history, only, settings.pool)], axis=1)
        found = np.where((found >= 0) & only[found], found, -1)
    found = np.where((found >= 0) & (_stands_in(visitors.without, found)), -1, found)
    found = np.sort(found, axis=1)
    found[:, 1:][found[:, 1:] == found[:, :-1]] = -1
    return found


def _union(sources: Sources, asked: Queries, per_source: int) -> Rows:
    """Return what the sources find, -1 for what two of them do, shape (visitors, sources times per_source)."""
    if len(asked.market) != 1:
        return retrieve(sources, asked, per_source=per_source).items
    union = np.full((1, len(RETRIEVING) * per_source), -1, dtype=np.int64)
    found = retrieve_for_one(sources, asked, per_source=per_source)
    union[0, : len(found)] = found
    return union


def reranked(
    sources: Sources,
    visitors: Visitors,
    found: Rows,
    scores: Vectors,
    settings: Reranking,
    *,
    k: int,
    genres: GenreTable | None = None,
) -> tuple[Rows, Mask]:
    """Return the first k items of each visitor and which places are explored, both of shape (visitors, k).

    found, scores: of `ranked_candidates`.
    """
    relevance = blended(sources, visitors, found, scores, settings.prior)
    best, value = top_scores(relevance, settings.pool)  # columns of found, best first
    pool = _taken(found, best)
    chosen = _taken(best, _first(sources, visitors, pool, value, settings, k, genres))  # columns of found
    given = np.zeros(chosen.shape, dtype=bool)
    if settings.exploration:
        tail = in_tail(sources, visitors.market, found, settings.head)
        chosen, given = explored(
            chosen,
            found,
            candidate_users(sources, visitors.market, found),
            tail & (scores > -np.inf),
            share=settings.exploration,
            user_ids=visitors.user_ids,
            seed=settings.seed,
        )
    return _taken(found, chosen), given


def _first(
    sources: Sources,
    visitors: Visitors,
    pool: Rows,
    value: Scores,
    settings: Reranking,
    k: int,
    genres: GenreTable | None,
) -> Rows:
    """Return which of the pool, best first, make the list, -1 beyond its end; shape (visitors, k)."""
    if not settings.diversity and not settings.per_genre:
        places = np.arange(k)
        listed = (value > -np.inf).sum(axis=1, keepdims=True)
        return np.where(places < listed, places, -1)
    alike = sources.als if settings.alike_by == "als" else sources.tower
    return diversified(
        value,
        unit_vectors(candidate_vectors(alike, visitors.market, pool)),
        k=k,
        diversity=settings.diversity,
        genres=None if genres is None else genres.of_item[pool],
        per_genre=settings.per_genre,
    )


def _popular(sources: Sources, visitors: Visitors, history: sparse.csr_matrix, only: Mask, count: int) -> Rows:
    """Return the most popular items that may be offered and that the visitor has not met, -1 for one that was met.

    Retrieval knows no filters: of a rare genre it may find nothing.
    """
    count = min(count, len(sources.item_ids))
    popular = np.full((len(visitors.market), count), -1, dtype=np.int64)
    for market in np.unique(visitors.market):
        users = population_of(sources, int(market)).users
        best, _ = top_scores(np.where(only & (users > 0), users, -np.inf).astype("f4")[None], count)
        popular[visitors.market == market] = best
    return np.where(_stands_in(history, popular), -1, popular)


def _taken(numbers: Rows, columns: Rows) -> Rows:
    """Return the numbers of each row at some columns, -1 for column -1; both of shape (lists, …)."""
    return np.where(columns >= 0, np.take_along_axis(numbers, np.maximum(columns, 0), axis=1), -1)


def _stands_in(matrix: sparse.csr_matrix, items: Rows) -> Mask:
    """Return whether each item (lists, candidates) stands in its list's row of the matrix."""
    found: Mask = lookup(matrix, np.arange(len(items)), np.maximum(items, 0)) > 0
    return found
