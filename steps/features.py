"""What the ranker sees of a user and a candidate: one function, for training and for serving.

A list is one user's candidates. Whatever a source says of a candidate is given as it is, as its distance from the
list's mean in standard deviations, and for the main sources as its place in the list, so that the ranker holds for
lists that are made in another way than those it learnt from. Candidates of equal score share the mean of their places,
so the order in which candidates come never changes a feature. Where the data knows in which situation items were met,
how a candidate fares in the situation of the request comes after all of that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from .context_crosses import lift_names, lifts, untold
from .in_list import places, rounded, standardised
from .neighbours import Neighbours, like_minded, lookup
from .one_history import crossed, like_minded_sums
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
"""The features in the order of the columns, where the histories have no context."""

ALIKE_COLUMNS = slice(SCORES.index(COSINES[0]), SCORES.index(COSINES[-1]) + 1)
APART = [number for number, name in enumerate(SCORES) if name not in COSINES]
APART_NAMES = tuple(SCORES[number] for number in APART)
ABOUT_COLUMNS = slice(len(NAMES) - len(ABOUT), len(NAMES))
PLACED_COLUMNS = [SCORES.index(name) for name in PLACED]

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
    moment: Rows
    """Number of the value of each column of `sources.context` when the list is asked for, -1 where it is not known;
    shape (lists, columns)."""

    def part(self, rows: Rows) -> "Queries":
        """Return some of the lists."""
        if np.array_equal(rows, np.arange(len(self.market))):
            return self
        vectors = {name: own[rows] for name, own in self.vectors.items()}
        return Queries(self.history[rows], self.market[rows], vectors, self.items[rows], self.moment[rows])


def feature_names(sources: Sources) -> tuple[str, ...]:
    """Return the features in the order of the columns: NAMES, then how an item fares in each part of the moment."""
    return (*NAMES, *lift_names(sources.context))


def queries(sources: Sources, users: Rows, items: Rows, moment: Rows | None = None) -> Queries:
    """Return the lists of known users.

    users: shape (lists,), -1 for an unknown user, who has no history and no market; items: shape (lists, candidates);
    moment: as in Queries, not known of any list where it is None.
    """
    known = users >= 0
    at = np.where(known, users, 0)
    history = _histories(sources.seen, at)
    if not known.all():
        history = sparse.csr_matrix(sparse.diags_array(known.astype("f4")) @ history)
        history.eliminate_zeros()
    return Queries(
        history,
        np.where(known, sources.market_of_user[at], -1),
        {name: np.where(known[:, None], source.users[at], 0) for name, source in sources.vectors().items()},
        items,
        untold(sources.context, len(users)) if moment is None else moment,
    )


def _histories(seen: sparse.csr_matrix, users: Rows) -> sparse.csr_matrix:
    """Return some rows of the histories; SciPy takes a while to find the one of one user."""
    if len(users) != 1:
        return seen[users]
    start, end = seen.indptr[users[0]], seen.indptr[users[0] + 1]
    parts = (seen.data[start:end], seen.indices[start:end], np.array([0, end - start], dtype=seen.indptr.dtype))
    return sparse.csr_matrix(parts, shape=(1, seen.shape[1]))


def features(sources: Sources, asked: Queries) -> Vectors:
    """Return the features of every candidate, float32, shape (lists, candidates, len(feature_names(sources))).

    The rows of unknown items and beyond a list's end hold what an item without any user has; whoever ranks puts
    unknown items last.
    """
    table = np.zeros((*asked.items.shape, len(NAMES) + len(sources.context)), "f4")
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
    once, back = _each_once(at)
    local = sources.by_market[market] if market >= 0 else sources.everywhere
    everywhere, here = (
        _of_population(sources.everywhere, asked.history, once),
        _of_population(local, asked.history, once),
    )
    vectors = {name: source.scores(asked.vectors[name], once, market) for name, source in sources.vectors().items()}
    scores = {**everywhere, **{f"market_{name}": values for name, values in here.items()}, **vectors}
    length = np.diff(asked.history.indptr).astype("f4")
    popularity = asked.history @ local.log_users / np.maximum(length, 1)
    about = {
        "overlap": everywhere["overlap"],
        "market_overlap": here["overlap"],
        "history_length": length[:, None],
        "history_popularity": popularity[:, None],
        "market_share": local.users[once] / np.maximum(sources.everywhere.users[once], 1),
        "market": market,
    }
    told = np.empty((len(SCORES), *at.shape), "f4")
    told[APART] = _spread([scores[name] for name in APART_NAMES], once.shape, back)
    told[ALIKE_COLUMNS] = _alike(sources, asked.history, at, market)
    told = np.where(known, told, np.float32(0))
    columns = np.empty((table.shape[-1], *at.shape), "f4")
    columns[: len(SCORES)] = told
    columns[len(SCORES) : 2 * len(SCORES)] = standardised(told, known)
    columns[2 * len(SCORES) : ABOUT_COLUMNS.start] = places(told[PLACED_COLUMNS], known)
    columns[ABOUT_COLUMNS] = _spread([about[name] for name in ABOUT], once.shape, back)
    if sources.context:
        columns[len(NAMES) :] = np.where(known, lifts(sources.context, asked.moment, at), np.float32(0))
    table[rows] = np.moveaxis(columns, 0, -1)  # (lists, candidates, features)


def _each_once(at: Rows) -> tuple[Rows, Rows | None]:
    """Return the candidates to look up, and where the candidates stand among them: of one list, each item once.

    Lists of several users are looked up as they are.
    """
    if len(at) > 1:
        return at, None
    once, back = np.unique(at[0], return_inverse=True)
    return once[None], back


def _spread(values: Sequence[Vectors | float], shape: tuple[int, ...], back: Rows | None) -> Vectors:
    """Return values of what was looked up, each of a shape, as the candidates', which are at `back` of those.

    Returns shape (values, lists, candidates).
    """
    each = np.empty((len(values), *shape), "f4")
    for row, value in zip(each, values, strict=True):
        row[:] = value
    return each if back is None else each.take(back, axis=-1)


def _of_population(neighbours: Neighbours, history: sparse.csr_matrix, at: Rows) -> dict[str, Vectors]:
    """Return the scores NEIGHBOURLY, the popularity, and the overlap, by one population of users."""
    return {
        **_paired(neighbours, history, at),
        **_regression(neighbours, history, at),
        "like_minded": _like_minded(neighbours, history, at),
        "popularity": neighbours.log_users[at],
    }


def _like_minded(neighbours: Neighbours, history: sparse.csr_matrix, at: Rows) -> Vectors:
    if len(at) > 1:
        return np.take_along_axis(like_minded(history, neighbours), at, axis=1)
    sums = like_minded_sums(history.indices.astype(np.int64), neighbours)
    return np.asarray(sums[at] / neighbours.damping[at], dtype="f4")


def _paired(neighbours: Neighbours, history: sparse.csr_matrix, at: Rows) -> dict[str, Vectors]:
    """Return the scores PAIRED and the overlap, the share of the history that shares a user with the candidate."""
    met = history.indices
    shared, walks = _met_and_candidates((neighbours.shared, neighbours.walks), history, at)  # (met, candidates)
    own = neighbours.some_users[met][:, None]  # (met, 1)
    theirs = neighbours.some_users[_facing(history, at)]  # (met, candidates), or (1, candidates) of one list
    jaccard = shared / (own + theirs - shared + JACCARD_SHRINKAGE)
    by_chance = own * theirs / max(1, neighbours.met_by.shape[1])
    surprise = np.log1p(shared / by_chance) * shared / (shared + SURPRISE_SHRINKAGE)
    length = np.maximum(np.diff(history.indptr), 1)[:, None]
    return {
        "jaccard": _over_history(np.add, jaccard, history),
        "best_jaccard": _over_history(np.maximum, jaccard, history),
        "cosine": _over_history(np.add, shared / np.sqrt(own), history) / np.sqrt(neighbours.some_users[at]),
        "conditional": _over_history(np.add, shared / own, history),
        "walk": _over_history(np.add, walks / own, history),
        "surprise": _over_history(np.add, surprise, history),
        "overlap": _over_history(np.add, (shared > 0).astype("f4"), history) / length,
    }


def _facing(history: sparse.csr_matrix, at: Rows) -> Rows:
    """Return the candidates that face each item of the histories."""
    return at if len(at) == 1 else at[np.repeat(np.arange(len(at)), np.diff(history.indptr))]


def _met_and_candidates(
    matrices: tuple[sparse.csr_matrix, ...], history: sparse.csr_matrix, at: Rows
) -> tuple[Vectors, ...]:
    """Return what matrices with entries at the same places say of the history's items and their candidates."""
    if len(at) == 1:
        return crossed(matrices, history.indices, at[0])
    facing = _facing(history, at)
    return tuple(lookup(matrix, history.indices, facing) for matrix in matrices)


def _regression(neighbours: Neighbours, history: sparse.csr_matrix, at: Rows) -> dict[str, Vectors]:
    (weights,) = _met_and_candidates((neighbours.weights,), history, at)
    return {
        "regression": _over_history(np.add, weights, history),
        "best_regression": _over_history(np.maximum, weights, history),
    }


def _alike(sources: Sources, history: sparse.csr_matrix, at: Rows, market: int) -> Vectors:
    """Return the scores COSINES, 0 for an item without a vector and for an empty history."""
    found = np.zeros((len(COSINES), *at.shape), "f4")
    for number, source in enumerate(ALIKE):
        table = sources.vectors()[source].directions(market)
        met, candidates = table[history.indices], table[at]  # (met, dim), (lists, candidates, dim)
        for row, (start, end) in enumerate(pairwise(history.indptr)):
            if start < end:
                cosines = met[start:end] @ candidates[row].T  # (history, candidates)
                found[2 * number, row], found[2 * number + 1, row] = cosines.mean(axis=0), cosines.max(axis=0)
    return rounded(found)


def _over_history(reduce: np.ufunc, cells: Vectors, history: sparse.csr_matrix) -> Vectors:
    """Return the cells (met, candidates) reduced over each list's history, 0 for an empty one; (lists, candidates)."""
    if len(history.indptr) == 2 and len(cells):
        return np.asarray(reduce.reduceat(cells, [0], axis=0), "f4")
    reduced = np.zeros((history.shape[0], cells.shape[1]), "f4")
    some = np.flatnonzero(np.diff(history.indptr))
    if len(some):
        reduced[some] = reduce.reduceat(cells, history.indptr[:-1][some], axis=0)
    return reduced
