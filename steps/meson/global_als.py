"""A Spark application: one model for all regions, ALS over everything, as the vectors of its items.

spark-submit global_als.py TRAIN.parquet FACTORS.parquet --rank 32 --iterations 6 --seed 0
"""

import argparse

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession


def main() -> None:
    """Read the interactions, fit, and write item_id and vector."""
    parser = argparse.ArgumentParser()
    parser.add_argument("train")
    parser.add_argument("factors")
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--iterations", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    chosen = parser.parse_args()
    spark = SparkSession.builder.appName("global_als").getOrCreate()
    train = spark.read.parquet(chosen.train)
    als = ALS(
        userCol="user",
        itemCol="item",
        ratingCol="strength",
        implicitPrefs=True,
        rank=chosen.rank,
        maxIter=chosen.iterations,
        numUserBlocks=2,
        numItemBlocks=2,
        alpha=40.0,
        seed=chosen.seed,
    )
    model = als.fit(train.selectExpr("user", "item", "1.0f AS strength"))
    items = train.select("item", "item_id").distinct()
    rows = model.itemFactors.join(items, model.itemFactors.id == items.item).select("item_id", "features")
    table = rows.orderBy("item_id").toArrow()
    pq.write_table(table.set_column(1, "vector", table["features"].cast(pa.list_(pa.float32()))), chosen.factors)
    print(f"{table.num_rows} items in {chosen.rank} dimensions")
    spark.stop()


if __name__ == "__main__":
    main()
