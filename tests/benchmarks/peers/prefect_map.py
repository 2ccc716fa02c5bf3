"""Prefect: `.map` of a task on threads, results in memory as is its default, on a server that is up."""

import os
from pathlib import Path

import httpx
from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner
from tests.benchmarks.peers.contender import added, contend, squared


@task
def square(point: int) -> int:
    """Return the square of a point."""
    return squared(point)


@flow(flow_run_name="sweep-{start}", task_runner=ThreadPoolTaskRunner(max_workers=8))  # type: ignore[arg-type]
def sweep_of_points(points: int, start: int) -> int:
    """Return the sum over the points."""
    return added(square.map(range(start, start + points)).result())


def sweep(points: int, start: int, folder: Path) -> None:
    """Compute the points."""
    sweep_of_points(points, start)


def kept(start: int, folder: Path) -> int:
    """Return how many task runs of a sweep the server shows as completed."""
    asked = {
        "flow_runs": {"name": {"any_": [f"sweep-{start}"]}},
        "task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
    }
    reply = httpx.post(f"{os.environ['PREFECT_API_URL']}/task_runs/count", json=asked, timeout=60)
    return int(reply.raise_for_status().text)


if __name__ == "__main__":
    contend(sweep, kept)
