"""redun: a task for each point, on threads of its local executor, in its default kind of database, SQLite."""

import os
import sqlite3
from pathlib import Path

from redun import Scheduler, task
from redun.config import Config
from tests.benchmarks.peers.contender import added, contend, squared

redun_namespace = "benchmark"


@task()
def square(point: int) -> int:
    """Return the square of a point."""
    return squared(point)


@task()
def fan_out(points: int, start: int) -> list[int]:
    """Return the square of every point."""
    return [square(point) for point in range(start, start + points)]


@task()
def join(squares: list[int]) -> int:
    """Return the sum over the points."""
    return added(squares)


def sweep(points: int, start: int, folder: Path) -> None:
    """Compute the points, or take what the folder's database knows."""
    executor = {"type": "local", "mode": os.environ.get("REDUN_MODE", "thread"), "max_workers": "8"}
    config = Config({"backend": {"db_uri": f"sqlite:///{folder}/redun.db"}, "executors.default": executor})
    scheduler = Scheduler(config=config)
    scheduler.load()
    scheduler.run(join(fan_out(points, start)))


def kept(start: int, folder: Path) -> int:
    """Return how many jobs of points the database shows as ended, with what they returned."""
    asked = """SELECT COUNT(*) FROM job JOIN call_node USING (call_hash)
        WHERE task_name = 'benchmark.square' AND job.end_time IS NOT NULL
        AND execution_id = (SELECT execution_id FROM job ORDER BY start_time LIMIT 1)"""
    with sqlite3.connect(folder / "redun.db") as database:
        return int(database.execute(asked).fetchone()[0])


if __name__ == "__main__":
    contend(sweep, kept)
