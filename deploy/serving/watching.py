"""Which bundle answers, and the look-out for another one: loaded and rehearsed beside the one that serves."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kaon.steps.bundle import BundleError, newest_version

from .metrics import ServerMetrics
from .recommender import Recommender

log = logging.getLogger("kaon.serving")

Mark = tuple[object, ...]
Load = Callable[[Path], Recommender]


@dataclass(slots=True, eq=False)
class Current:
    """What serves now; a request takes `recommender` once and keeps it to its end."""

    recommender: Recommender | None = None
    refused: str = ""
    """Why the newest bundle does not serve; empty if it does."""
    draining: bool = False
    """Whether the server is about to end."""


class Watcher:
    """Looks whether there is another bundle, and lets it serve if it can."""

    def __init__(self, path: Path, current: Current, metrics: ServerMetrics, load: Load) -> None:
        """load: returns what answers from a folder, ready to serve; whatever it raises refuses the bundle."""
        self._path = path
        self._current = current
        self._metrics = metrics
        self._load = load
        self._seen: Mark = ()

    def watch(self, wait: Callable[[], bool]) -> None:
        """Look again and again. wait: sleeps until the next look, and returns True when it is time to end."""
        while not wait():
            self.look()

    def look(self) -> None:
        """Look once. A bundle that was refused is tried again only when one of its files has changed."""
        try:
            folder = newest_version(self._path).resolve()
            mark = _mark_of(folder)
        except (OSError, BundleError) as error:
            if self._seen != (str(error),):
                self._seen = (str(error),)
                self._refuse(error)
            return
        if mark == self._seen:
            return
        self._seen = mark
        try:
            found = self._load(folder)
        except Exception as error:  # whatever is wrong with it, the one that serves goes on
            self._refuse(error)
            return
        before = self._current.recommender
        self._current.recommender = found
        self._current.refused = ""
        self._metrics.note_swap(found.version)
        log.info("bundle %s serves from now on%s", found.version, f", after {before.version}" if before else "")

    def _refuse(self, error: Exception) -> None:
        self._current.refused = str(error) or repr(error)
        self._metrics.note_refusal()
        serving = self._current.recommender
        goes_on = f"bundle {serving.version} goes on serving" if serving else "no bundle serves"
        log.error("the bundle at %s is refused, and %s: %s", self._path, goes_on, error)


def _mark_of(folder: Path) -> Mark:
    """Return what differs as soon as a folder or one of its files does."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = ((path, path.stat()) for path in files)
    return (folder, *((str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino) for path, stat in stats))
