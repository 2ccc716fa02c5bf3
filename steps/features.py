"""What the ranker sees of a user and a candidate: one function, for training and for serving.

A list is one user's candidates. Whatever a source says of a candidate is given as it is, as its distance from the
list's mean in standard deviations, and for the main sources as its place in the list, so that the ranker holds for
lists that are made in another way than those it learnt from. Candidates of equal score share the mean of their places,
so the order in which candidates come never changes a feature.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.stats import rankdata

from .neighbours import Neighbours, like_minded, lookup
from .sources import Rows, Sources, Vectors

CELLS_AT_ONCE = 1_000_000
"""Pairs of a history's item and a candidate that are looked up in one go."""

PAIRED = ("jaccard", "best_jaccard", "cosine", "conditional", "walk", "surprise")
"""What co-occurrence says, over the history: summed, or the best of it."""

NEIGHBOURLY = (*PAIRED, "like_minded", "regression", "best_regression")
"""What a population says: once everybody, once the users of the market."""

ALIKE = ("wide_als", "spectral", "tower", "twin")
"""The sources whose item vectors say how alike a candidate and the items of the history are."""

COSINES = tuple(name for source in ALIKE for name in (f"{source}_cosine", f"{source}_best_cosine"))
"""The cosine of the candidate's vector and those of the history: the mean, and the best."""

SCORES = (
    *NEIGHBOURLY,
    *(f"market_{name}" for name in NEIGHBOURLY),
    "als",
    "wide_als",
    "spectral",
    "tower",
    "twin",
    "chosen",
    *COSINES,
    "popularity",
    "market_popularity",
)
"""What the sources say, in the order of the features; higher is better."""

PLACED = ("jaccard", "market_jaccard", "market_regression", "als", "tower", "market_popularity")
"""The scores whose place within the list is a feature."""

ABOUT = ("overlap", "market_overlap", "history_length", "history_popularity", "market_share", "market")
"""Features that are no source's score."""

NAMES = (*SCORES, *(f"{name}_in_list" for name in SCORES), *(f"{name}_place" for name in PLACED), *ABOUT)
"""The features in the order of the columns."""

JACCARD_SHRINKAGE = 5.0
"""Users added to every union: two items that one user each met say little."""

SURPRISE_SHRINKAGE = 3.0
"""Shared users at which what is surprising about them counts half."""


@dataclass(frozen=True, slots=True)
class Queries:
    """Whom to rank what for: one list per row."""

    history: sparse.csr_matrix
    """1 where the user of a list met an item before, float32, shape (lists, items)."""
    market: Rows
    """Number of each user's market, -1 where it is not known; shape (lists,)."""
    vectors: Mapping[str, Vectors]
    """Each user's vector for every source of `Sources.vectors`, shape (lists, dim of the source)."""
    items: Rows
    """The candidates' items, -1 for an unknown item and beyond a list's end; shape (lists, candidates)."""

    def part(self, rows: Rows) -> "Queries":
        """Return some of the lists."""
        if np.array_equal(rows, np.arange(len(self.market))):
            return self
        vectors = {name: own[rows] for name, own in self.vectors.items()}
        return Queries(self.history[rows], self.market[rows], vectors, self.items[rows])


def queries(sources: Sources, users: Rows, items: Rows) -> Queries:
    """Return the lists of known users.

    users: shape (lists,), -1 for an unknown user, who has no history and no market; items: shape (lists, candidates).
    """
    known = users >= 0
    at = np.where(known, users, 0)
    history = sources.seen[at]
    if not known.all():
        history = sparse.csr_matrix(sparse.diags_array(known.astype("f4")) @ history)
        history.eliminate_zeros()
    return Queries(
        history,
        np.where(known, sources.market_of_user[at], -1),
        {name: np.where(known[:, None], source.users[at], 0) for name, source in sources.vectors().items()},
        items,
    )


def features(sources: Sources, asked: Queries) -> Vectors:
    """Return the features of every candidate, float32, shape (lists, candidates, len(NAMES)).

    The rows of unknown items and beyond a list's end hold what an item without any user has; whoever ranks puts
    unknown items last.
    """
    table = np.zeros((*asked.items.shape, len(NAMES)), "f4")
    for market in np.unique(asked.market):
        for rows in _parts(np.flatnonzero(asked.market == market), asked):
            _fill(table, rows, sources, asked.part(rows), int(market))
    return table


def source_scores(table: Vectors, source: str) -> Vectors:
    """Return what one source of SCORES says, shape (lists, candidates), of a table of `features`."""
    scores: Vectors = table[..., NAMES.index(source)]
    return scores


def _parts(rows: Rows, asked: Queries) -> Iterator[Rows]:
    cells = np.cumsum((np.diff(asked.history.indptr)[rows] + 8) * max(1, asked.items.shape[1]))
    return iter(part for part in np.split(rows, np.flatnonzero(np.diff(cells // CELLS_AT_ONCE)) + 1) if len(part))


def _fill(table: Vectors, rows: Rows, sources: Sources, asked: Queries, market: int) -> None:
    known = asked.items >= 0
    at = np.where(known, asked.items, 0)
    local = sources.by_market[market] if market >= 0 else sources.everywhere
    everywhere, here = _of_population(sources.everywhere, asked.history, at), _of_population(local, asked.history, at)
    vectors = {name: source.scores(asked.vectors[name], at, market) for name, source in sources.vectors().items()}
    alike = _alike(sources, asked.history, at, market)
    scores = {**everywhere, **{f"market_{name}": values for name, values in here.items()}, **vectors, **alike}
    length = np.diff(asked.history.indptr).astype("f4")
    popularity = asked.history @ local.log_users / np.maximum(length, 1)
    about = {
        "overlap": everywhere["overlap"],
        "market_overlap": here["overlap"],
        "history_length": np.broadcast_to(length[:, None], at.shape),
        "history_popularity": np.broadcast_to(popularity[:, None], at.shape),
        "market_share": (local.users / np.maximum(sources.everywhere.users, 1))[at],
        "market": np.full(at.shape, market, "f4"),
    }
    told = np.where(known, np.stack([scores[name].astype("f4") for name in SCORES]), np.float32(0))
    placed = told[[SCORES.index(name) for name in PLACED]]
    relative = np.concatenate([told, _standardised(told, known), _place(placed, known)])
    table[rows, :, : len(relative)] = np.moveaxis(relative, 0, -1)  # (lists, candidates, len(relative))
    for name, values in about.items():
        table[rows, :, NAMES.index(name)] = values


def _of_population(neighbours: Neighbours, history: sparse.csr_matrix, at: Rows) -> dict[str, Vectors]:
    """Return the scores NEIGHBOURLY, the popularity, and the overlap, by one population of users."""
    return {
        **_paired(neighbours, history, at),
        **_regression(neighbours, history, at),
        "like_minded": np.take_along_axis(like_minded(history, neighbours), at, axis=1),
        "popularity": neighbours.log_users[at],
    }


def _paired(neighbours: Neighbours, history: sparse.csr_matrix, at: Rows) -> dict[str, Vectors]:
    """Return the scores PAIRED and the overlap, the share of the history that shares a user with the candidate."""
    met, row = history.indices, np.repeat(np.arange(len(at)), np.diff(history.indptr))
    items = at[row]  # (met, candidates)
    shared, walks = lookup(neighbours.shared, met, items), lookup(neighbours.walks, met, items)
    users = np.maximum(neighbours.users, 1.0)
    own = users[met][:, None]  # (met, 1)
    jaccard = shared / (own + users[items] - shared + JACCARD_SHRINKAGE)
    by_chance = own * users[items] / max(1, neighbours.met_by.shape[1])
    surprise = np.log1p(shared / by_chance) * shared / (shared + SURPRISE_SHRINKAGE)
    length = np.maximum(np.diff(history.indptr), 1)[:, None]
    return {
        "jaccard": _over_history(np.add, jaccard, history),
        "best_jaccard": _over_history(np.maximum, jaccard, history),
        "cosine": _over_history(np.add, shared / np.sqrt(own), history) / np.sqrt(users[at]),
        "conditional": _over_history(np.add, shared / own, history),
        "walk": _over_history(np.add, walks / own, history),
        "surprise": _over_history(np.add, surprise, history),
        "overlap": _over_history(np.add, (shared > 0).astype("f4"), history) / length,
    }


def _regression(neighbours: Neighbours, history: sparse.csr_matrix, at: Rows) -> dict[str, Vectors]:
    met, row = history.indices, np.repeat(np.arange(len(at)), np.diff(history.indptr))
    weights = lookup(neighbours.weights, met, at[row])
    return {
        "regression": _over_history(np.add, weights, history),
        "best_regression": _over_history(np.maximum, weights, history),
    }


def _alike(sources: Sources, history: sparse.csr_matrix, at: Rows, market: int) -> dict[str, Vectors]:
    """Return the scores COSINES, 0 for an item without a vector and for an empty history."""
    found = {}
    for source in ALIKE:
        table = sources.vectors()[source].directions(market)
        met, candidates = table[history.indices], table[at]  # (met, dim), (lists, candidates, dim)
        mean, best = np.zeros(at.shape, "f4"), np.zeros(at.shape, "f4")
        for row, (start, end) in enumerate(pairwise(history.indptr)):
            if start < end:
                cosines = met[start:end] @ candidates[row].T  # (history, candidates)
                mean[row], best[row] = cosines.mean(axis=0), cosines.max(axis=0)
        found[f"{source}_cosine"], found[f"{source}_best_cosine"] = _rounded(mean), _rounded(best)
    return found


def _rounded(score: Vectors) -> Vectors:
    """Return the score to five decimals: a tie is one on every processor, whatever the last bits of its BLAS say.

    Trees split at ties, such as the cosine 1 of an item with itself; 1.0000001 would fall on the other side.
    """
    return np.round(score, 5)


def _over_history(reduce: np.ufunc, cells: Vectors, history: sparse.csr_matrix) -> Vectors:
    """Return the cells (met, candidates) reduced over each list's history, 0 for an empty one; (lists, candidates)."""
    reduced = np.zeros((history.shape[0], cells.shape[1]), "f4")
    some = np.flatnonzero(np.diff(history.indptr))
    if len(some):
        reduced[some] = reduce.reduceat(cells, history.indptr[:-1][some], axis=0)
    return reduced


def _standardised(score: Vectors, known: npt.NDArray[np.bool_]) -> Vectors:
    """Return the distance from the mean of the list's known items in standard deviations, 0 where all are equal.

    score: shape (scores, lists, candidates); known: shape (lists, candidates).
    """
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    centred = np.where(known, score - score.sum(axis=-1, keepdims=True) / count, 0)
    deviation = np.sqrt((centred**2).sum(axis=-1, keepdims=True) / count)
    standard: Vectors = np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 1e-6)
    return _rounded(standard)


def _place(score: Vectors, known: npt.NDArray[np.bool_]) -> Vectors:
    """Return the place in the list as a share: 0 is first, 1 last; equal scores share the mean of their places.

    score: shape (scores, lists, candidates); known: shape (lists, candidates).
    """
    count = known.sum(axis=-1, keepdims=True)
    place = rankdata(np.where(known, -score.astype("f8"), np.inf), method="average", axis=-1)
    return np.where(known, (place - 1) / np.maximum(count - 1, 1), 1.0).astype("f4")
