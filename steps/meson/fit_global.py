"""The model for all regions, in Spark."""

import pandas as pd
import pyarrow as pa

from kaon.dsl import spark_submit

fit_global = spark_submit(
    "global_als.py",
    args="{train} {global_factors} --rank {rank} --iterations {iterations} --seed {attempt}",
    name="fit_global",
    inputs={"train": pd.DataFrame, "attempt": int},
    outputs={"global_factors": pa.Table},
    settings={"rank": 32, "iterations": 6},
    conf={"spark.sql.shuffle.partitions": "2", "spark.driver.memory": "1g"},
    doc="Fit ALS over all regions and return the vectors of the items. Another attempt begins with other vectors.",
)
