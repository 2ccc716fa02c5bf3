"""Train ALS on the bundled market s3 where KAON_SPARK_MASTER says, in a process of its own: a process has one session.

python tests/integration/als_on_spark.py FILE    writes the factors to FILE, prints the executors that Spark has
"""

import sys

import numpy as np

from kaon.steps.datasets import load
from kaon.steps.interactions import in_market
from kaon.steps.spark_session import spark_session
from kaon.steps.train_als import train_als

if __name__ == "__main__":
    als = train_als(in_market(load("xmrec"), "s3"), engine="spark", rank=16, iterations=6, blocks=2, seed=3)
    np.savez(sys.argv[1], users=als.user_factors, items=als.item_factors)
    print(spark_session().sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1)  # one of them is the driver
