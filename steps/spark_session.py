"""The Spark session of the steps: one a process, on this machine's cores or on a cluster, and quiet."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from kaon.artifacts import kaon_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DRIVER_MEMORY = "2g"


NOTHING: Mapping[str, str] = {}


class SparkRunsAlready(Exception):
    """A session that was asked for with a configuration, while one with another runs in this process."""


def spark_session(conf: Mapping[str, str] = NOTHING) -> "SparkSession":
    """Return the running Spark session, or start one: on this machine's cores, or where KAON_SPARK_MASTER says.

    conf: configuration that it must have.

    KAON_SPARK_MASTER: a master's URL, such as spark://host:7077; unset or empty, the cores of this machine. Of a
        cluster, Spark's own configuration says how much is taken (SPARK_CONF_DIR) and at which address the workers
        reach this process (SPARK_LOCAL_IP).

    Where a session already runs (a notebook's) its own configuration holds. Raises SparkRunsAlready if that is not as
    `conf` asks.
    """
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        _require(running, conf)
        return running
    elsewhere = SparkContext._active_spark_context is not None  # started in another thread
    master = os.environ.get("KAON_SPARK_MASTER", "")
    builder = SparkSession.builder.appName("kaon")
    for name, value in {**QUIET, **({"spark.master": master} if master else _this_machine()), **conf}.items():
        builder = builder.config(name, value)
    with _jvm_writes_to_log():
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
    if elsewhere:
        _require(session, conf)
    return session


def _require(session: "SparkSession", conf: Mapping[str, str]) -> None:
    """Raise SparkRunsAlready, which names no values, unless the session has the configuration."""
    differing = [name for name, value in conf.items() if _path(session.conf.get(name, None)) != _path(value)]
    if differing:
        raise SparkRunsAlready(
            f"Spark runs in this process with another configuration: {', '.join(differing)}\n"
            "  why: a process has one Spark, which is configured when it starts\n"
            "  fix: run the step in a process of its own, with place=Process()"
        )


def _path(value: str | None) -> str | None:
    """Return a value of the configuration with a file's URL as Spark writes it."""
    return value.replace("file:///", "file:/", 1) if value and value.startswith("file:///") else value


@contextmanager
def spark_folder() -> Iterator[Path]:
    """Yield an empty folder that Spark's driver and workers see, and remove it with all that is in it.

    It is made in KAON_SPARK_FOLDER, which a cluster of several machines has to share; without it, among this machine's
    temporary files.
    """
    with TemporaryDirectory(prefix="kaon-", dir=os.environ.get("KAON_SPARK_FOLDER") or None) as folder:
        yield Path(folder)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


QUIET = {
    "spark.driver.memory": DRIVER_MEMORY,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
}


def _this_machine() -> dict[str, str]:
    """Return the configuration for one machine: all on loopback, and as many tasks as cores."""
    return {
        "spark.master": f"local[{cores()}]",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
        "spark.sql.shuffle.partitions": str(cores()),
        "spark.default.parallelism": str(cores()),
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.warehouse.dir": (kaon_home() / "spark" / "warehouse").absolute().as_uri(),
    }


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
