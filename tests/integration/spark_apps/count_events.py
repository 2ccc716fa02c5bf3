"""A Spark application for tests: count the events of every user, and do what `how` says besides."""

import os
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import SparkSession


def tell(rows):
    print("said by an executor", file=sys.stderr)
    return rows


def wait(rows):
    time.sleep(600)
    return rows


def main(events, counts, how):
    spark = SparkSession.builder.appName("count_events").getOrCreate()
    print(f"said by the driver, try {os.environ['KAON_TRY']}")
    table = spark.createDataFrame(pq.read_table(events)).repartition(4)
    table.rdd.mapPartitions(tell).count()
    if how == "wait":
        table.rdd.mapPartitions(wait).count()
    if how == "slowly":
        for _ in range(3):
            table.rdd.mapPartitions(lambda rows: (time.sleep(0.5), rows)[1]).count()
    if how == "fail once" and os.environ["KAON_TRY"] == "1":
        raise RuntimeError("a job that fails the first time")
    if how == "tell secret":
        print("the token is", spark.conf.get("spark.kaon.token"))
        print("the command line is", Path(f"/proc/{os.getppid()}/cmdline").read_text())
    pq.write_table(table.groupBy("user").count().orderBy("user").toArrow(), counts)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
