"""How many calls make a batch: as many as take a tenth of a second together, as far as is known of them."""

BATCH = 256
"""Calls in one batch at most."""
BATCH_SECONDS = 0.1
"""How long a batch should take: a crash costs no more, and what is recorded is no older."""
FASTER = 4
"""A call is expected to take at least this part of what it was expected to take before."""


class Pace:
    """How long the calls of a loop take; its shards learn it from each other."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def cost(self, path: str) -> float:
        """Return the seconds that a call of this path is expected to take; one that is not known fills a batch."""
        return self._seconds.get(path, BATCH_SECONDS)

    def learn(self, path: str, seconds: float) -> None:
        """Take in how long a call of this path took on average in a batch."""
        self._seconds[path] = max(seconds, BATCH_SECONDS / BATCH, self.cost(path) / FASTER)

    @property
    def room(self) -> int:
        """How many calls of the quickest kind fit into a batch."""
        return max(1, int(BATCH_SECONDS / min(self._seconds.values(), default=BATCH_SECONDS)))
