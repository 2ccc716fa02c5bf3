"""Dask: a future for each point on two worker processes. It keeps nothing: the floor."""

from pathlib import Path

from distributed import Client, LocalCluster
from tests.benchmarks.peers.contender import added, contend, squared


def sweep(points: int, start: int, folder: Path) -> None:
    """Compute the points."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        added(client.gather(client.map(squared, range(start, start + points))))


def kept(start: int, folder: Path) -> int:
    """Return that nothing is kept."""
    return 0


if __name__ == "__main__":
    contend(sweep, kept)
