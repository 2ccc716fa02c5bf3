"""The sources that learn from the histories alone, which steps that count the same histories need not learn anew."""

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kaon.artifacts import Digest, digest_value

from .neighbours import Neighbours, neighbours_of, regression_weights
from .vector_source import VectorSource, spectral_source, wide_als_source

Rows = npt.NDArray[np.int64]

REGRESSED = 2_000
REGRESSION_PENALTY = 100.0
REGRESSION_KEPT = 200


@dataclass(frozen=True, slots=True, eq=False)
class HistorySources:
    """What is counted and factorised of histories; nothing in it is ever changed."""

    everywhere: Neighbours
    by_market: tuple[Neighbours, ...]
    wide_als: VectorSource
    spectral: VectorSource


class _Last:
    """The last ones that this process has learnt."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._kept: tuple[Digest, HistorySources] | None = None

    def get(self, key: Digest) -> HistorySources | None:
        """Return them if they are those of this key."""
        with self._changing:
            return self._kept[1] if self._kept and self._kept[0] == key else None

    def keep(self, key: Digest, sources: HistorySources) -> None:
        """Keep these, and let go of those before."""
        with self._changing:
            self._kept = (key, sources)


_last = _Last()


def history_sources(seen: sparse.csr_matrix, market_of_user: Rows, markets: int) -> HistorySources:
    """Return the sources of these histories, the last ones again if they are the same: learning them takes seconds.

    seen: shape (users, items), 1 where a user met an item, indices sorted; market_of_user: its number, -1 if unknown.
    """
    key = digest_value([seen.indptr, seen.indices, list(seen.shape), market_of_user, markets])
    known = _last.get(key)
    if known is not None:
        return known
    learnt = HistorySources(
        _population(seen),
        tuple(_population(seen[market_of_user == number]) for number in range(markets)),
        wide_als_source(seen, markets),
        spectral_source(seen, markets),
    )
    _last.keep(key, learnt)
    return learnt


def _population(seen: sparse.csr_matrix) -> Neighbours:
    weights = regression_weights(seen, regressed=REGRESSED, penalty=REGRESSION_PENALTY, kept=REGRESSION_KEPT)
    return neighbours_of(seen, weights)
