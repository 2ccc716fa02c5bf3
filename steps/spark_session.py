"""The Spark session of the steps: one a process, sized for one machine, and quiet."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kaon.artifacts import kaon_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DRIVER_MEMORY = "2g"


def spark_session() -> "SparkSession":
    """Return the running Spark session, or start one on the cores of this machine.

    Where a session already runs (a cluster's, a notebook's) its own configuration holds.
    """
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    cores = len(os.sched_getaffinity(0))
    builder = (
        SparkSession.builder.master(f"local[{cores}]")
        .appName("kaon")
        .config("spark.driver.memory", DRIVER_MEMORY)
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", "-XX:+UseParallelGC")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.log.level", "ERROR")
        .config("spark.sql.shuffle.partitions", str(cores))
        .config("spark.default.parallelism", str(cores))
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", (kaon_home() / "spark" / "warehouse").absolute().as_uri())
    )
    with _jvm_writes_to_log():
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
    return session


@contextmanager
def _jvm_writes_to_log() -> Iterator[None]:
    """Have a JVM that starts inside the block write to `kaon_home()/spark/spark.log` rather than to the terminal.

    A process inherits its standard error when it starts, so it is enough that ours leads to the log meanwhile.
    """
    folder = kaon_home() / "spark"
    folder.mkdir(parents=True, exist_ok=True)
    log = os.open(folder / "spark.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
    ours = os.dup(2)
    os.dup2(log, 2)
    try:
        yield
    finally:
        os.dup2(ours, 2)
        os.close(ours)
        os.close(log)
