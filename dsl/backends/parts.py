"""The parts of a wide loop that run as shards: so many that none of those who take them up waits for the last."""

from collections.abc import Iterator

from .effects import Each
from .failures import placed_path

SHARDS = 32
"""Shards of one loop at most: what Prefect shows stays a summary."""
EACH = 8
"""Shards for each of those that run at the same time: enough that none is left waiting for the last one."""


def parts(each: Each, beside: int) -> Iterator[tuple[str, Each, int | None]]:
    """Yield the shards of a loop: what each is called, its items, and how many of them may be under way.

    beside: how many shards run at the same time.
    """
    at_once = each.loop.at_once
    shards = at_once if at_once is not None and at_once <= beside else max(beside, min(SHARDS, EACH * beside))
    size = -(-len(each.items) // shards)
    where = placed_path(each.loop.path, each.frame.keys, each.frame.attempts).partition("/")[2]
    for first in range(0, len(each.items), size):
        items = each.items[first : first + size]
        title = f"{where} {first + 1}–{first + len(items)} of {len(each.items)}"
        yield title, Each(each.loop, each.frame, items), None if at_once is None else max(1, at_once // beside)
