"""What the navigation says of the pages."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True, slots=True)
class Entry:
    """A page that the navigation names."""

    title: str
    url: str
    """Path of the page; what lies below it belongs to the page."""
    order: int
    """Entries come in this order."""

    def holds(self, path: str) -> bool:
        """Say whether the page at this path belongs to the entry.

        >>> Entry("Runs", "/runs", 10).holds("/runs/7"), Entry("Runs", "/runs", 10).holds("/runs-old")
        (True, False)
        """
        return path == self.url or path.startswith(f"{self.url}/")


def entries(modules: tuple[ModuleType, ...]) -> tuple[Entry, ...]:
    """Return what the navigation names, in its order."""
    named = [module.NAVIGATION for module in modules if hasattr(module, "NAVIGATION")]
    return tuple(sorted(named, key=lambda entry: entry.order))
