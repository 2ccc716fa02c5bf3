"""The one Prefect server of a home: found, started, shared by the runs that want it, and stopped after the last.

Four files in `<home>/prefect` hold what is known, and a lock on each dies with its process, so nothing goes stale:

    server.lock   held while somebody decides: starts, adopts or stops the server
    serving.lock  held by the server for as long as it lives
    users.lock    shared by everybody who uses the server
    server.json   where it listens, and its process id
"""

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import psutil

from ...errors import Problem

START_BOUND = 120.0
STOP_BOUND = 10.0
LOOK_EVERY = 0.5
"""Seconds between two looks at whether the server lives."""
SERVE = Path(__file__).with_name("serve.py")


class PrefectServerError(Exception):
    """No Prefect server can be had: what is wrong, why, and the mend."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(str(Problem(what, why=why, fix=fix)))


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, and which process it is."""

    url: str
    pid: int


@contextmanager
def shared_server(home: Path) -> Iterator[Address]:
    """Yield the address of the home's server, started if there is none; the last one to leave stops it."""
    folder = server_folder(home)
    with ExitStack() as use:
        with deciding(folder):
            address = _found_or_started(folder, port=0)
            use.enter_context(shared_by(folder))
        try:
            wait_until_healthy(folder, address)
            with _kept_up(folder, address):
                yield address
        finally:
            with deciding(folder):
                use.close()
                if not in_use(folder) and not lasts(home, address):
                    stop(folder)


@contextmanager
def _kept_up(folder: Path, address: Address) -> Iterator[None]:
    """Start the server again where it was, with all that it knew, whenever it dies while the block runs."""
    left = threading.Event()
    keeper = threading.Thread(target=_keep_up, args=(folder, address, left), name="kaon-keep-server", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        left.set()
        keeper.join()


def _keep_up(folder: Path, address: Address, left: threading.Event) -> None:
    port = urlsplit(address.url).port or 0
    while not left.wait(LOOK_EVERY):
        if not _lives(address.pid):
            with suppress(PrefectServerError, OSError, subprocess.SubprocessError), deciding(folder):
                address = _found_or_started(folder, port)


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def shared_by(folder: Path) -> Iterator[None]:
    """Be one of those who use the server of `folder`."""
    with (folder / "users.lock").open("a") as use:
        fcntl.flock(use, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(use, fcntl.LOCK_UN)  # a process forked meanwhile holds the same lock


def begin_server(home: Path, port: int = 0) -> Address:
    """Start the home's server, or find the one that is there, and return without waiting until it answers.

    A server that nobody comes to use within a minute ends by itself.
    """
    folder = server_folder(home)
    with deciding(folder):
        return _found_or_started(folder, port)


def wait_until_healthy(folder: Path, address: Address, bound: float = START_BOUND) -> None:
    """Return once the server answers; raises PrefectServerError, with the end of its log, if it does not in `bound`."""
    deadline = time.monotonic() + bound
    while not answers(address.url, timeout=max(1.0, deadline - time.monotonic())):
        if is_free(folder / "serving.lock"):
            raise PrefectServerError(
                "the Prefect server of this home ended while it started",
                why=f"its log, {folder / 'server.log'}, ends with:\n{tail(folder / 'server.log')}",
                fix="mend what the log names, or set PREFECT_API_URL to a server that runs",
            )
        if time.monotonic() > deadline:
            raise PrefectServerError(
                f"the Prefect server of this home does not answer at {address.url} after {bound:.0f} s",
                why=f"its log, {folder / 'server.log'}, ends with:\n{tail(folder / 'server.log')}",
                fix=f"end process {address.pid} and run again, or set PREFECT_API_URL to a server that runs",
            )
        time.sleep(0.05)


def answers(url: str, timeout: float) -> bool:
    """Tell whether a Prefect server at `url` says that it is healthy."""
    try:
        with build_opener(ProxyHandler({})).open(f"{url}/health", timeout=timeout) as reply:
            return bool(reply.status == 200)
    except (URLError, OSError):
        return False


def running(folder: Path) -> Address | None:
    """Return the address of the server that lives in `folder`, if one does."""
    if not folder.exists() or is_free(folder / "serving.lock"):
        return None
    return _read_address(folder)


def in_use(folder: Path) -> bool:
    """Tell whether a run uses the server of `folder`."""
    return not is_free(folder / "users.lock")


def lasts(home: Path, address: Address) -> bool:
    """Tell whether the server is the one that `kaon up` keeps."""
    try:
        stack = json.loads((home / "stack.json").read_text())
    except (OSError, ValueError):
        return False
    return bool(stack.get("prefect") == {"url": address.url, "pid": address.pid})


def stop(folder: Path) -> Address | None:
    """End the server of `folder` and return where it was; None if there was none. For callers that hold `deciding`."""
    address = running(folder)
    if address is None:
        return None
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(address.pid, ending)
        deadline = time.monotonic() + STOP_BOUND
        while time.monotonic() < deadline:
            if is_free(folder / "serving.lock"):
                (folder / "server.json").unlink(missing_ok=True)
                return address
            time.sleep(0.02)
    raise PrefectServerError(
        f"the Prefect server at {address.url} does not end",
        why=f"process {address.pid} lives on after SIGKILL",
        fix="look at what holds it (a disk that does not answer?), and end it by hand",
    )


@contextmanager
def deciding(folder: Path) -> Iterator[None]:
    """Hold the right to start or stop the server of `folder`."""
    with (folder / "server.lock").open("a") as decision:
        fcntl.flock(decision, fcntl.LOCK_EX)
        yield


def server_folder(home: Path) -> Path:
    """Return the folder of the home's server, made if it is not there."""
    folder = home.absolute() / "prefect"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, indented for an error."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return "    (no log)"
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or "    (it is empty)"


def _found_or_started(folder: Path, port: int) -> Address:
    if not is_free(folder / "serving.lock"):
        return _read_address(folder)
    (folder / "server.json").unlink(missing_ok=True)
    template = _template()
    database = folder / "prefect.db"
    if not database.exists() and template.exists():
        _copy(template, database)
    with (folder / "serving.lock").open("a") as serving, (folder / "server.log").open("wb") as log:
        fcntl.flock(serving, fcntl.LOCK_EX)
        subprocess.run(
            [sys.executable, "-P", str(SERVE), str(folder), str(port)],
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(serving.fileno(),),
            start_new_session=True,
            cwd=folder,
            check=True,
        )
    address = _read_address(folder)
    if not template.exists():
        wait_until_healthy(folder, address)
        _keep_template(database, template)
    return address


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of the server: ours, with Prefect's settings replaced by those that suit a home."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return inherited | {
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(folder),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder / 'prefect.db'}",
        "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        # One transaction for many states instead of one each; a second is the least the recorder can wait.
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    }


def _template() -> Path:
    """The path of an empty database of this Prefect: its 8 s of migrations are then paid once a machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "kaon" / f"prefect-{version('prefect')}.db"


def _keep_template(database: Path, template: Path) -> None:
    with suppress(OSError, sqlite3.Error):  # without it the next home only starts more slowly
        template.parent.mkdir(parents=True, exist_ok=True)
        fresh = template.with_name(f"{template.name}.{os.getpid()}")
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(fresh)) as copy:
            source.backup(copy)
            copy.execute("DELETE FROM configuration")  # a secret of that server may be among it
            copy.commit()
        fresh.chmod(0o600)
        fresh.replace(template)


def _copy(template: Path, database: Path) -> None:
    fresh = database.with_suffix(".db.new")
    shutil.copyfile(template, fresh)
    fresh.replace(database)


def _read_address(folder: Path) -> Address:
    """Return the address that the living server has written, or is about to write."""
    path = folder / "server.json"
    deadline = time.monotonic() + STOP_BOUND
    while True:
        with suppress(OSError, ValueError):
            found = json.loads(path.read_text())
            return Address(found["url"], found["pid"])
        if is_free(folder / "serving.lock") or time.monotonic() > deadline:
            raise PrefectServerError(
                "the Prefect server of this home did not start",
                why=f"its log, {folder / 'server.log'}, ends with:\n{tail(folder / 'server.log')}",
                fix="mend what the log names, or set PREFECT_API_URL to a server that runs",
            )
        time.sleep(0.01)


def is_free(path: Path) -> bool:
    """Tell whether no living process holds the lock of a file, which need not exist."""
    if not path.exists():
        return True
    with path.open("a") as lock:
        return _acquired(lock)


def _acquired(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
