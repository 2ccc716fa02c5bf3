"""A Spark standalone cluster on this machine: one master and some workers, each a process, on loopback."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyspark

HOME = Path(pyspark.__file__).parent
PATIENCE = 120.0
"""Seconds until the master is up, and until its workers have registered."""


@contextmanager
def standalone_cluster(folder: Path, *, workers: int) -> Iterator[str]:
    """Yield the URL of the master of a cluster of so many workers with one core each.

    folder: takes the logs and what the workers keep.
    """
    with ExitStack() as stack:
        log = folder / "master.log"
        stack.enter_context(_daemon("master.Master", "--port", "0", log=log))
        url = _awaited(log, r"Starting Spark master at (spark://\S+)", 1)[0]
        for number in range(workers):
            place = ["--port", "0", "--work-dir", str(folder / f"worker-{number}")]
            size = ["--cores", "1", "--memory", "1g"]
            stack.enter_context(_daemon("worker.Worker", *place, *size, url, log=folder / f"worker-{number}.log"))
        _awaited(log, r"Registering worker (\S+)", workers)
        yield url


@contextmanager
def _daemon(name: str, *arguments: str, log: Path) -> Iterator[None]:
    command = [HOME / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1"]
    environment = {**os.environ, "SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--webui-port", "0", *arguments], env=environment, cwd=log.parent, stdout=output, stderr=output
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _awaited(log: Path, pattern: str, times: int) -> list[str]:
    """Return what the pattern finds in a log as soon as it stands there so many times."""
    until = time.monotonic() + PATIENCE
    while len(found := re.findall(pattern, log.read_text())) < times:
        if time.monotonic() > until:
            raise TimeoutError(f"{log} has {pattern!r} {len(found)} times after {PATIENCE:.0f} s:\n{log.read_text()}")
        time.sleep(0.1)
    return found
