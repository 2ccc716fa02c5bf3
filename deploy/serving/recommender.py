"""A bundle that answers: retrieval, ranking and re-ranking by the code that trained, popularity where a part fails."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import sparse

from kaon.steps.bundle import Bundle, load_bundle
from kaon.steps.context_told import TELLS, context_told
from kaon.steps.list_ranker import ranked_scores
from kaon.steps.reranking import (
    Reranking,
    Visitor,
    Visitors,
    questions_of,
    reranked,
    retrieved,
    visitors_of,
)
from kaon.steps.sources import Rows, Vectors
from kaon.steps.vector_source import unit_vectors
from kaon.steps.wsdm_lists import CandidateList, ranked_list

from .answers import Basis, ListedItem, Ranked, Recommended, ScoredItem, Similar, Told
from .catalogue import Catalogue, Mask, catalogue_of
from .questions import Asking, Filters, RankQuestion, RecommendQuestion
from .stages import Stages

RANKED: tuple[Basis, ...] = ("personal", "onboarding")
"""What answers rest on that the ranker orders; the others are ordered by popularity."""


class NoSuch(ValueError):
    """A request names what the bundle does not have; `field` says where it stands."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True, eq=False)
class Recommender:
    """What answers requests from one bundle."""

    bundle: Bundle
    settings: Reranking
    catalogue: Catalogue

    @property
    def version(self) -> str:
        """Return the version of the bundle."""
        return str(self.bundle.manifest["version"])

    def recommend(self, asked: RecommendQuestion, stages: Stages) -> Recommended:
        """Return a list for who asks. Raises NoSuch for a genre that no item has."""
        only = self._only(asked.filters)
        visitors = self._visitors(asked, asked.filters.exclude)
        sources, settings = self.bundle.sources, self.settings
        with stages.timed("question"):
            asking = questions_of(sources, visitors, np.empty((1, 0), dtype=np.int64))
        found = stages.attempt(
            "retrieval",
            lambda: retrieved(sources, visitors, asking, settings, only=only),
            lambda: self._popular(visitors, only, asked.k),
        )
        scores = stages.attempt(
            "ranking",
            lambda: ranked_scores(self.bundle.ranker, sources, replace(asking, items=found)),
            lambda: self._popularity(visitors, found),
        )
        items, explored = stages.attempt(
            "reranking",
            lambda: reranked(sources, visitors, found, scores, settings, k=asked.k, genres=self.bundle.genres),
            lambda: _best(found, scores, asked.k),
        )
        score_of = dict(zip(found[0].tolist(), scores[0].tolist(), strict=True))
        return Recommended(
            version=self.version,
            basis=visitors.fallbacks()[0],
            fallback=tuple(stages.failed),
            ignored=self._ignored(asked, visitors, stages),
            items=tuple(
                ListedItem(item=self.catalogue.ids[row], score=score_of[row], explored=given)
                for row, given in zip(items[0].tolist(), explored[0].tolist(), strict=True)
                if row >= 0
            ),
        )

    def rank(self, asked: RankQuestion, stages: Stages) -> Ranked:
        """Return the candidates best first; those that the catalogue does not know come last."""
        visitors = self._visitors(asked, ())
        rows = self.catalogue.rows(asked.candidates)[None]
        sources = self.bundle.sources
        scores = stages.attempt(
            "ranking",
            lambda: ranked_scores(self.bundle.ranker, sources, questions_of(sources, visitors, rows)),
            lambda: self._popularity(visitors, rows),
        )
        ranked = ranked_list(CandidateList(asked.user, asked.candidates), scores[0])
        return Ranked(
            version=self.version,
            basis=visitors.fallbacks()[0],
            fallback=tuple(stages.failed),
            ignored=self._ignored(asked, visitors, stages),
            items=tuple(
                ScoredItem(item=item, score=score)
                for item, score in zip(ranked.item_ids, ranked.scores.tolist(), strict=True)
            ),
        )

    def similar(self, item: str, k: int, stages: Stages) -> Similar:
        """Return the items whose ALS vectors point most in the item's direction. Raises NoSuch for an unknown item."""
        row = self.catalogue.row.get(item)
        if row is None:
            raise NoSuch("item", f"the catalogue of bundle {self.version} has no item {item!r}")
        with stages.timed("retrieval"):
            vectors = self.bundle.sources.als.table(-1)
            near = self._nearest(vectors[row], 4 * k + 16)
            near = near[near != row]
            cosine = unit_vectors(vectors[near].astype("f8")) @ unit_vectors(vectors[row].astype("f8"))
            best = np.argsort(-cosine, kind="stable")[:k]
        return Similar(
            version=self.version,
            item=item,
            items=tuple(ScoredItem(item=self.catalogue.ids[near[place]], score=float(cosine[place])) for place in best),
        )

    def _nearest(self, vector: Vectors, count: int) -> Rows:
        """Return the items of greatest inner product with the vector, by the index."""
        count = min(count, self.bundle.index.ntotal)
        _, found = self.bundle.index.search(vector[None].astype("f4"), count)
        return np.asarray(self.bundle.index_items[found[0][found[0] >= 0]], dtype=np.int64)

    def _visitors(self, asked: Asking, without: tuple[str, ...]) -> Visitors:
        sources = self.bundle.sources
        context = context_told(sources.context, asked.device, asked.time)
        return visitors_of(sources, [Visitor(asked.user, asked.market, asked.history, without, context)])

    def _ignored(self, asked: Asking, visitors: Visitors, stages: Stages) -> tuple[Told, ...]:
        """Return what was told of the moment and the scores do not rest on."""
        columns = self.bundle.sources.context
        known = {column.name for column, value in zip(columns, visitors.moment[0], strict=True) if value >= 0}
        by_popularity = visitors.fallbacks()[0] not in RANKED or "ranking" in stages.failed
        return tuple(part for part in asked.moment() if by_popularity or not known.intersection(TELLS[part]))

    def _only(self, filters: Filters) -> Mask | None:
        """Return which items may be offered, None for all. Raises NoSuch for a genre that no item has."""
        only = self.catalogue.mask(filters.items) if filters.items else None
        if not filters.genres:
            return only
        if not self.bundle.genres.names:
            raise NoSuch("filters.genres", "this bundle knows no genres of its items")
        try:
            having = self.bundle.genres.having(filters.genres)
        except ValueError as error:
            raise NoSuch("filters.genres", str(error)) from None
        return having if only is None else having & only

    def _popular(self, visitors: Visitors, only: Mask | None, k: int) -> Rows:
        """Return what is popular in the visitor's market, without what was met, in ascending order; shape (1, …)."""
        left_out = _columns(visitors.without)
        if visitors.user[0] >= 0:
            left_out = np.concatenate([left_out, _columns(self.bundle.sources.seen[visitors.user])])
        order = self.catalogue.by_popularity[int(visitors.market[0])]
        if only is not None:
            order = order[only[order]]
        order = order[: k + len(left_out)]
        found = np.sort(order[~np.isin(order, left_out)][:k])
        return np.pad(found, (0, max(0, k - len(found))), constant_values=-1)[None]

    def _popularity(self, visitors: Visitors, items: Rows) -> Vectors:
        """Return the popularity of candidates in the visitor's market, -inf for item -1; both of shape (1, …)."""
        popularity = self.catalogue.popularity[int(visitors.market[0])]
        return np.where(items >= 0, popularity[items], -np.inf).astype("f4")


def load_recommender(path: Path) -> Recommender:
    """Return what answers from the bundle of a folder. Raises BundleError for one that cannot be served.

    The ranker gets one thread: a request is too small to share between several, which would wait for each other.
    """
    bundle = load_bundle(path)
    bundle.ranker.set_param({"nthread": 1})
    told = bundle.manifest.get("reranking", {})
    return Recommender(bundle, Reranking.model_validate(told), catalogue_of(bundle.sources))


def _best(found: Rows, scores: Vectors, k: int) -> tuple[Rows, Mask]:
    """Return the k items of greatest score, -1 beyond the end, and that none of them is explored."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.where(np.take_along_axis(scores, order, axis=1) > -np.inf, np.take_along_axis(found, order, axis=1), -1)
    return best, np.zeros(best.shape, dtype=bool)


def _columns(matrix: sparse.csr_matrix) -> Rows:
    return np.asarray(matrix.indices, dtype=np.int64)
