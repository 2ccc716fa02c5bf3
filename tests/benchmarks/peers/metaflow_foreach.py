"""Metaflow: `foreach` over the points, two tasks at a time, each a process with its results in the local datastore."""

import sys

from metaflow import Flow, FlowSpec, Parameter, namespace, step
from tests.benchmarks.peers.contender import added, squared


class SweepOfPoints(FlowSpec):
    """The sum over the points."""

    points = Parameter("points", type=int, default=10)
    origin = Parameter("origin", type=int, default=0)

    @step
    def start(self):
        """List the points."""
        self.listed = list(range(self.origin, self.origin + self.points))
        self.next(self.square, foreach="listed")

    @step
    def square(self):
        """Compute the square of a point."""
        self.result = squared(self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        """Add the squares up."""
        self.total = added([one.result for one in inputs])
        self.next(self.end)

    @step
    def end(self):
        """End: every flow needs this step."""


def kept(origin: int) -> int:
    """Return how many tasks of the sweep from there on ended well."""
    namespace(None)
    runs = (run for run in Flow("SweepOfPoints") if run["start"].task["origin"].data == origin)
    return sum(task.successful for task in next(runs)["square"])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["kept", origin, _]:
            print(kept(int(origin)))
        case ["sweep", points, origin, _]:
            limits = ["--max-workers", "2", "--max-num-splits", points]
            sys.argv[1:] = ["--quiet", "run", "--points", points, "--origin", origin, *limits]
            SweepOfPoints()
        case _:  # Metaflow starts this file once for every task
            SweepOfPoints()
