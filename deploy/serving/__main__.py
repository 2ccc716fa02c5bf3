"""`python3 -m kaon.deploy.serving`: serve the bundle that KAON_BUNDLE names."""

import gc
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import uvicorn
from threadpoolctl import threadpool_limits

from .app import create_app
from .metrics import ServerMetrics
from .recommender import Recommender, load_recommender
from .rehearsal import rehearse
from .settings import BadSetting, Settings, settings_from
from .watching import Current, Watcher

THREADS = 1
"""Answers computed at once: Python computes one at a time, and two that take turns are both late."""
SHUTDOWN_SECONDS = 30
"""For requests that were taken to be answered, once no more are."""

KEEP_ALIVE_SECONDS = 75
"""An idle connection is kept: longer than the 60 s of usual proxies, which would ask on one that just ended."""
SWITCH_SECONDS = 0.0005
"""After which Python lets another thread go on: an answer asks for its turn tens of times, and while a bundle is loaded
beside it each turn would take ten times as long with Python's own 5 ms."""

log = logging.getLogger("kaon.serving")


class DrainingServer(uvicorn.Server):
    """A server that goes on answering for some time after it said that it ends."""

    def __init__(self, config: uvicorn.Config, current: Current, drain: float) -> None:
        super().__init__(config)
        self._current = current
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End after the draining, or at once if asked a second time: with status 0, and what was taken is answered."""
        again = self._current.draining
        self._current.draining = True
        if again or not self._drain:
            self._end()
            return
        log.info("draining for %g s", self._drain)
        timer = threading.Timer(self._drain, self._end)
        timer.daemon = True
        timer.start()

    def _end(self) -> None:
        self.should_exit = True


def ready_to_serve(folder: Path) -> Recommender:
    """Return what answers from a folder once it has passed its rehearsal."""
    recommender = load_recommender(folder)
    passed = rehearse(recommender)
    log.info("bundle %s passed %d requests", recommender.version, passed)
    return recommender


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; requests that were taken are answered."""
    threadpool_limits(1)  # one request is too small to share between threads
    sys.setswitchinterval(SWITCH_SECONDS)
    current, metrics = Current(), ServerMetrics()
    watcher = Watcher(settings.bundle, current, metrics, ready_to_serve)
    watcher.look()
    gc.collect()
    gc.freeze()  # what was imported and loaded stays: looking through it again takes longer than ten answers
    ended = threading.Event()
    threading.Thread(target=watcher.watch, args=(lambda: ended.wait(settings.look_every),), daemon=True).start()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="answers") as workers:
        config = uvicorn.Config(
            create_app(current, metrics, workers, settings.most_waiting),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        DrainingServer(config, current, settings.drain).run()
        ended.set()


def main() -> int:
    """Serve as the environment says."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        serve(settings_from(os.environ))
    except BadSetting as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
