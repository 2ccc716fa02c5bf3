"""Kaon: a loop over the points on Prefect, every result stored."""

from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.peers.contender import added, contend, squared

from kaon import for_each, open_store, run, step, workflow


@step(output="points")
def list_points(*, count: int = 10, start: int = 0) -> list[int]:
    """Return so many points."""
    return list(range(start, start + count))


@step(output="square")
def square(point: int) -> int:
    """Return the square of a point."""
    return squared(point)


@step(output="total")
def join(square: Mapping[int, int]) -> int:
    """Return the sum over the points."""
    return added(list(square.values()))


sweep_of_points = workflow("sweep_of_points", list_points >> for_each(point="points").do(square) >> join)


def sweep(points: int, start: int, folder: Path) -> None:
    """Compute the points, or skip what the folder's store has."""
    settings = {"list_points.count": points, "list_points.start": start}
    run(sweep_of_points, settings, backend="prefect", store=open_store(folder / "store"))


def kept(start: int, folder: Path) -> int:
    """Return how many points the records show as completed in the folder's first run."""
    records = open_store(folder / "store").records
    first = min(one.id for one in records.runs())
    return sum(one.step == "square" for one in records.step_runs(first, states=("completed",)))


if __name__ == "__main__":
    contend(sweep, kept)
