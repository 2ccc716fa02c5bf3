"""One market's own matrix factorisation."""

from typing import Annotated

from pydantic import Field

from kaon.artifacts import FactorModel
from kaon.dsl import Resources, current_step, step

from .implicit_als import item_factors
from .interactions import Interactions, in_market, pairs
from .vector_source import fold_in

Positive = Annotated[int, Field(gt=0)]


@step(output="local_als", resources=Resources(cpus=1, memory="1GiB"))
def factorise_market(
    train: Interactions,
    market: str,
    *,
    rank: Positive = 96,
    iterations: Positive = 8,
    regularization: Annotated[float, Field(gt=0)] = 20.0,
    alpha: Annotated[float, Field(gt=0)] = 20.0,
    seed: int = 0,
    attempt: int = 1,
) -> FactorModel:
    """Return vectors of one market's users and items, learnt from this market alone (Hu, Koren and Volinsky 2008).

    A market has fewer items than all have together, so that as many numbers say more of each. By `implicit`: what one
    market has fits one machine. The longer the vectors, the more it has to be regularised where there are few users.

    rank: length of the vectors.
    regularization: of every user and every item alike.
    alpha: how much more a pair that met weighs than one that did not.
    seed: of the first vectors; attempt n uses seed + n - 1.
    """
    numbered = pairs(in_market(train, market))
    met, number = numbered.matrix(), seed + attempt - 1
    settings = {"rank": rank, "iterations": iterations, "regularization": regularization, "alpha": alpha}
    items = item_factors(met, rank=rank, alpha=alpha, regularization=regularization, iterations=iterations, seed=number)
    users = fold_in(met, items, alpha=alpha, regularization=lambda length: regularization)
    current_step().log(f"{market}: {met.nnz} pairs, {met.shape[0]} users, {met.shape[1]} items")
    return FactorModel(
        numbered.user_ids, numbered.item_ids, users, items, {"engine": "implicit", **settings, "seed": number}
    )
