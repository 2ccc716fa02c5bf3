"""Matrix factorisation of who met what: implicit-feedback ALS, on Spark or on one machine."""

from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from kaon.artifacts import FactorModel
from kaon.dsl import Resources, current_step, step

from .interactions import Interactions, Pairs, pairs
from .one_blas_thread import one_blas_thread
from .spark_session import cores, spark_folder, spark_session

Positive = Annotated[int, Field(gt=0)]

CHECKPOINT_INTERVAL = 5
"""Spark writes its factors down every so many iterations: a longer chain of them overflows the JVM's stack."""


@step(output="als", resources=Resources(cpus=2, memory="3GiB"))
def train_als(
    train: Interactions,
    *,
    engine: Literal["spark", "implicit"] = "spark",
    rank: Positive = 64,
    iterations: Positive = 8,
    regularization: Annotated[float, Field(ge=0)] = 0.1,
    alpha: Annotated[float, Field(gt=0)] = 40.0,
    blocks: Annotated[int, Field(ge=0)] = 0,
    seed: int = 0,
    attempt: int = 1,
) -> FactorModel:
    """Return vectors of users and items whose inner product says how well they fit (Hu, Koren and Volinsky 2008).

    Every pair counts once, whatever its rating: confidence is 1 + alpha where user and item met, 1 elsewhere.

    A user's vector is the solution for the item vectors that are returned and the user's whole history, so that
    `sources.fold_in` gives it again, and gives a user who was not there one of the same kind.

    engine: implicit, one machine; or spark, one or many. The model is equally good, and on the same two cores implicit
        takes a tenth of the time and a third of the memory: take spark when the pairs outgrow one machine, some 140
        bytes each (`make bench PARTS=scale`).
    rank: length of the vectors.
    iterations: an iteration solves for the vectors of one side and then of the other.
    regularization: Spark multiplies it by a user's or an item's interactions (ALS-WR, Zhou et al. 2008), implicit does
        not: 0.1 on Spark weighs as much as 10 on implicit for who has 100, so each engine has a best value of its own.
    alpha: how much more a pair that met weighs than one that did not.
    blocks: Spark's blocks of users and of items; 0 takes one a core of this machine, where more are slower. The first
        vectors are drawn by block, so another number is another model, as another seed is; with the same number it is
        the same model on a cluster as here.
    seed: of the first vectors; attempt n uses seed + n - 1.
    """
    numbered = pairs(train)
    fit = _spark if engine == "spark" else _implicit
    blocks = blocks or cores()
    current_step().log(f"ALS by {engine}: {len(numbered.users)} pairs, {len(numbered.user_ids)} users")
    user_factors, item_factors = fit(
        numbered,
        rank=rank,
        iterations=iterations,
        regularization=regularization,
        alpha=alpha,
        blocks=blocks,
        seed=seed + attempt - 1,
    )
    config = {
        "engine": engine,
        "rank": rank,
        "iterations": iterations,
        "regularization": regularization,
        "alpha": alpha,
        "seed": seed + attempt - 1,
    }
    return FactorModel(numbered.user_ids, numbered.item_ids, user_factors, item_factors, config)


Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]


def _spark(
    numbered: Pairs, *, rank: int, iterations: int, regularization: float, alpha: float, blocks: int, seed: int
) -> tuple[Vectors, Vectors]:
    from pyspark.ml.recommendation import ALS

    spark = spark_session()  # ALS() below looks for a running one
    ones = np.ones(len(numbered.users), "f4")
    table = pa.table({"user": numbered.users, "item": numbered.items, "strength": ones})
    als = ALS(
        userCol="user",
        itemCol="item",
        ratingCol="strength",
        implicitPrefs=True,
        rank=rank,
        maxIter=iterations,
        regParam=regularization,
        alpha=alpha,
        nonnegative=False,
        numUserBlocks=blocks,
        numItemBlocks=blocks,
        checkpointInterval=CHECKPOINT_INTERVAL,
        coldStartStrategy="nan",
        intermediateStorageLevel="MEMORY_ONLY",
        finalStorageLevel="MEMORY_ONLY",
        seed=seed,
    )
    with spark_folder() as folder:
        path = folder / "pairs.parquet"
        pq.write_table(table, path)
        spark.sparkContext.setCheckpointDir(folder.as_uri())
        model = als.fit(spark.read.parquet(path.as_uri()))
        users, items = model.userFactors, model.itemFactors
        factors = _factors(users, len(numbered.user_ids)), _factors(items, len(numbered.item_ids))
        users.unpersist()
        items.unpersist()
    return factors


def _factors(rows: object, count: int) -> Vectors:
    """Return Spark's rows (id, features) as one array in the order of the ids."""
    table = rows.toArrow()  # type: ignore[attr-defined]
    ids = table["id"].to_numpy()
    flat = table["features"].combine_chunks().values.to_numpy().astype("f4")
    vectors = np.zeros((count, len(flat) // len(ids)), "f4")
    vectors[ids] = flat.reshape(len(ids), -1)
    return vectors


def _implicit(
    numbered: Pairs, *, rank: int, iterations: int, regularization: float, alpha: float, blocks: int, seed: int
) -> tuple[Vectors, Vectors]:
    from implicit.als import AlternatingLeastSquares

    with one_blas_thread():  # its own threads do the work: BLAS threads below them slow it down
        model = AlternatingLeastSquares(
            factors=rank,
            iterations=iterations,
            regularization=regularization,
            alpha=alpha + 1,  # implicit's confidence is alpha where they met, Spark's is 1 + alpha
            random_state=seed,
            use_gpu=False,
            num_threads=blocks,
        )
        met = numbered.matrix()
        model.fit(met, show_progress=False)
        # It ends with the items, and by three steps of conjugate gradients: solve for the users once more, exactly.
        users = model.recalculate_user(np.arange(met.shape[0]), met)
    return np.asarray(users, "f4"), np.asarray(model.item_factors, "f4")
