"""What the points of a sweep are compared by."""

from dataclasses import dataclass

from ..sampling import Direction


@dataclass(frozen=True, slots=True)
class Objective:
    """A number that a workflow's output is or holds, and whether more or less of it is better."""

    output: str
    metric: str
    """Which of the output's metrics; empty if it is a number."""
    direction: Direction

    @property
    def name(self) -> str:
        """How people write it, and what its column in the leaderboard is called.

        >>> Objective("als_metrics", "ndcg@10", "maximize").name
        'als_metrics.ndcg@10'
        """
        return f"{self.output}.{self.metric}" if self.metric else self.output

    @staticmethod
    def parse(name: str, direction: Direction) -> "Objective":
        """Return the objective of a name: the output, and what stands after the first dot."""
        output, _, metric = name.partition(".")
        return Objective(output, metric, direction)
