"""Golden requests of a recommender, with what it answers offline."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, cycle

import numpy as np
import numpy.typing as npt

from kaon.artifacts.publications.golden import Golden

from ..context_crosses import ContextColumn
from ..context_told import DEVICE, context_told
from ..list_ranker import ranked_scores
from ..one_blas_thread import one_blas_thread
from ..ranking import Rows
from ..reranking import (
    GenreTable,
    Reranking,
    Served,
    Visitor,
    questions_of,
    ranked_candidates,
    reranked,
    visitors_of,
)
from ..sources import Sources

KNOWN, COLD = 16, 4
"""Users with a history, and visitors without one, who ask each kind of question."""
CANDIDATES = 20
K = 10
UNTOLD_EVERY = 4
"""Of so many visitors one says nothing of the moment."""
A_MONDAY = datetime(2026, 1, 5)
APART = timedelta(hours=31)
"""Between the moments of two visitors, so that both the hour and the weekday change."""

Told = Mapping[str, str]
"""The device and the time of a request, as far as they are told."""


@one_blas_thread()
def golden_requests(
    served: Served, reranking: Reranking, genres: GenreTable | None = None, *, seed: int = 0
) -> tuple[Golden, ...]:
    """Return requests of users from all over the data with what the recommender answers to each alone.

    reranking, genres: how the server will make lists, and of what.
    """
    sources = served.sources
    random = np.random.default_rng(seed)
    pairs = zip(_visitors(sources), _moments(sources.context), strict=False)
    asking = [(_asking(sources.context, visitor, told), told) for visitor, told in pairs]
    ranked = [_ranked(served, visitor, told, _candidates(sources, random)) for visitor, told in asking]
    return (*ranked, *(_recommended(served, visitor, told, reranking, genres) for visitor, told in asking))


def _visitors(sources: Sources) -> Iterator[Visitor]:
    """Yield users at even distances, and visitors of every market of whom nothing is known."""
    for row in np.linspace(0, len(sources.user_ids) - 1, min(KNOWN, len(sources.user_ids))).astype(int):
        yield Visitor(str(sources.user_ids[row]))
    for number in range(min(COLD, len(sources.markets))):
        yield Visitor("", sources.markets[number])


def _moments(context: tuple[ContextColumn, ...]) -> Iterator[Told]:
    """Yield what is told of one moment after the other; nothing where the data has no context."""
    devices = cycle(next((column.values for column in context if column.name == DEVICE), ("",)))
    for number in count():
        if context and number % UNTOLD_EVERY:
            told = {"device": next(devices), "time": (A_MONDAY + number * APART).isoformat()}
            yield {name: value for name, value in told.items() if value}
        else:
            yield {}


def _asking(context: tuple[ContextColumn, ...], visitor: Visitor, told: Told) -> Visitor:
    """Return the visitor at the moment."""
    time = datetime.fromisoformat(told["time"]) if "time" in told else None
    return replace(visitor, context=context_told(context, told.get("device", ""), time))


def _candidates(sources: Sources, random: np.random.Generator) -> Rows:
    """Return items of which the half are popular, without repeats."""
    items = len(sources.item_ids)
    popular = np.argsort(-sources.everywhere.users, kind="stable")[: CANDIDATES // 2]
    rest: Rows = np.setdiff1d(np.arange(items), popular)
    chosen = random.choice(rest, min(CANDIDATES - len(popular), len(rest)), replace=False)
    return np.concatenate([popular, chosen]).astype(np.int64)


def _ranked(served: Served, visitor: Visitor, moment: Told, items: Rows) -> Golden:
    asked = questions_of(served.sources, visitors_of(served.sources, [visitor]), items[None])
    scores: npt.NDArray[np.float32] = ranked_scores(served.ranker, served.sources, asked)[0]
    names = tuple(str(item) for item in served.sources.item_ids[items])
    request = {**_told(visitor), **moment, "candidates": list(names)}
    return Golden("/rank", request, names, tuple(float(score) for score in scores))


def _recommended(
    served: Served, visitor: Visitor, moment: Told, reranking: Reranking, genres: GenreTable | None
) -> Golden:
    sources, visitors = served.sources, visitors_of(served.sources, [visitor])
    found, scores = ranked_candidates(served, visitors, reranking)
    lists, _ = reranked(sources, visitors, found, scores, reranking, k=K, genres=genres)
    score_of = dict(zip(found[0].tolist(), scores[0].tolist(), strict=True))
    rows = [row for row in lists[0].tolist() if row >= 0]
    items = tuple(str(sources.item_ids[row]) for row in rows)
    return Golden("/recommend", {**_told(visitor), **moment, "k": K}, items, tuple(score_of[row] for row in rows))


def _told(visitor: Visitor) -> dict[str, str]:
    return {name: value for name, value in (("user", visitor.user_id), ("market", visitor.market)) if value}
