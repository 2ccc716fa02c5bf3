"""A Prefect server for a run: the user's own, the lasting stack's, or one that ends with the runs that use it."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from .own_server import PrefectServerError, begin_server, shared_server
from .recorded import Recorded, wait_until_recorded

__all__ = ["PrefectServerError", "Recorded", "begin_server", "prefect_server", "wait_until_recorded"]

ANSWER_BOUND = 10.0
DRAIN_BOUND = 30.0


@contextmanager
def prefect_server(home: Path) -> Iterator[str]:
    """Yield the API address of a Prefect server; flows started inside, in this context, talk to it.

    It is the one that PREFECT_API_URL names, else the one of `home` (kept by `kaon up`, or shared with other runs that
    go on at the same time), else a new one in `home`, which is stopped when the last run that uses it has ended.
    Raises PrefectServerError, which says what is wrong, why, and how to mend it.
    """
    given = os.environ.get("PREFECT_API_URL")
    if given:
        check_answers(given)
        with talking_to(given):
            yield given
        return
    with shared_server(home) as address, talking_to(address.url, home.absolute() / "prefect"):
        yield address.url


@contextmanager
def talking_to(api_url: str, own_home: Path | None = None) -> Iterator[None]:
    """Have the flows of this context talk to `api_url`, quickly and quietly, and hand over all they have to tell.

    own_home: the folder of the client's own files where the server is ours; a user's server is spoken to as the user
    has set it up.
    """
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
        PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_HOME,
        temporary_settings,
    )

    updates: dict[object, object] = {PREFECT_API_URL: api_url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    if own_home is not None:
        updates |= {
            PREFECT_HOME: own_home,
            PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False,
            PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED: False,
        }
    with temporary_settings(updates), _quiet():
        hand_over()  # what still waits is meant for an earlier server
        try:
            yield
        finally:
            hand_over()


def check_answers(api_url: str) -> None:
    """Raise PrefectServerError unless something answers at `api_url`."""
    try:
        with urlopen(f"{api_url.rstrip('/')}/health", timeout=ANSWER_BOUND):
            return
    except HTTPError as refused:
        if refused.code in (401, 403):  # it answers; whether the key is right is for the client to find out
            return
        reason = f"it answers with status {refused.code}"
    except (URLError, OSError, ValueError) as failure:
        reason = str(getattr(failure, "reason", failure))
    raise PrefectServerError(
        f"no Prefect server answers at {api_url}, which PREFECT_API_URL names",
        why=reason,
        fix="start that server, or unset PREFECT_API_URL: a run then starts a server of its own",
    )


def hand_over() -> None:
    """Send what this process still has to tell a server: states of task runs, and logs. Waits at most DRAIN_BOUND."""
    if "prefect.events.worker" in sys.modules:
        from prefect.events.worker import EventsWorker

        EventsWorker.drain_all(timeout=DRAIN_BOUND, at_exit=False)
    if "prefect.logging.handlers" in sys.modules:
        from prefect.logging.handlers import APILogWorker

        APILogWorker.drain_all(timeout=DRAIN_BOUND, at_exit=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Prefect's own lines off the terminal: Kaon shows the run. They still reach the server."""
    import prefect.main  # noqa: F401  (sets up Prefect's logging)
    from prefect.logging.handlers import PrefectConsoleHandler

    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    consoles = {h for logger in loggers for h in logger.handlers if isinstance(h, PrefectConsoleHandler)}
    for console in consoles:
        console.addFilter(_is_not_prefects)
    try:
        yield
    finally:
        for console in consoles:
            console.removeFilter(_is_not_prefects)


def _is_not_prefects(record: logging.LogRecord) -> bool:
    return not record.name.startswith("prefect")
