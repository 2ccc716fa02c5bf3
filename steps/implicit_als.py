"""Alternating least squares by `implicit`: the sparse solver of one machine, as several steps use it."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .one_blas_thread import one_blas_thread

Vectors = npt.NDArray[np.float32]


def item_factors(
    met: sparse.csr_matrix, *, rank: int, alpha: float, regularization: float, iterations: int, seed: int
) -> Vectors:
    """Return item vectors (items, rank) of implicit-feedback ALS with confidence 1 + alpha where user and item met.

    On one thread, so that the same interactions give the same vectors. `vector_source.fold_in` gives the users'.

    met: shape (users, items), 1 where a user and an item met. regularization: of every user and item alike.
    """
    from implicit.als import AlternatingLeastSquares

    with one_blas_thread():
        model = AlternatingLeastSquares(
            factors=rank,
            iterations=iterations,
            regularization=regularization,
            alpha=alpha + 1,  # implicit's confidence is alpha where they met
            random_state=seed,
            use_gpu=False,
            num_threads=1,
        )
        model.fit(met, show_progress=False)
    return np.asarray(model.item_factors, "f4")
