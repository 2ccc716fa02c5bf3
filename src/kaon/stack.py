"""The lasting local stack of a home: a Prefect server and an MLflow server, until `kaon down`.

`<home>/stack.json` names what is up: {"prefect": {"url": …, "pid": …}, "mlflow": {"url": …, "pid": …}}.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from kaon.dsl.backends.prefect import own_server
from kaon.dsl.errors import Problem

PREFECT_PORT = 4200
MLFLOW_PORT = 5000
START_BOUND = 120.0
STOP_BOUND = 10.0


class StackError(Exception):
    """A part of the lasting stack cannot be started or stopped: what is wrong, why, and the mend."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(str(Problem(what, why=why, fix=fix)))


@dataclass(frozen=True, slots=True)
class Up:
    """One server of the stack that runs now."""

    name: str
    url: str
    """Where a browser finds it."""
    note: str = ""
    """What the user should know: it ran already, or its usual port was taken."""


@dataclass(frozen=True, slots=True)
class Down:
    """One server of the stack that has been stopped, or has been left to those who still use it."""

    name: str
    url: str
    note: str = ""


def up(home: Path, *, prefect_port: int = PREFECT_PORT, mlflow_port: int = MLFLOW_PORT) -> tuple[Up, Up]:
    """Start what is not up yet, wait until it answers, and return both servers.

    A port that is in use is replaced by a free one, which the note says. Raises StackError or PrefectServerError, and
    leaves up what did start.
    """
    home = home.absolute()
    with _deciding(home):
        mlflow, mlflow_started = _mlflow_found_or_started(home, mlflow_port)
        prefect = _prefect_up(home, prefect_port)
        if mlflow_started:
            _wait_for_mlflow(home, mlflow)
            _write(home, {**_read(home), "mlflow": {"url": mlflow.url, "pid": mlflow.pid}})
        return prefect, Up("MLflow", mlflow.url, _note(mlflow.url, mlflow_port, not mlflow_started))


def down(home: Path) -> tuple[Down, ...]:
    """Stop what is up and return it; nothing, if nothing was up.

    A Prefect server that a run is using stays for that run, and ends with it.
    """
    home = home.absolute()
    if not home.exists():
        return ()
    with _deciding(home):
        stopped = (_prefect_down(home), _mlflow_down(home))
        (home / "stack.json").unlink(missing_ok=True)
        return tuple(server for server in stopped if server is not None)


def _prefect_up(home: Path, port: int) -> Up:
    folder = own_server.server_folder(home)
    found = own_server.running(folder)
    address = own_server.begin_server(home, port)
    own_server.wait_until_healthy(folder, address)
    lasted = own_server.lasts(home, address)
    _write(home, {**_read(home), "prefect": {"url": address.url, "pid": address.pid}})
    url = address.url.removesuffix("/api")
    if found == address and not lasted:
        return Up("Prefect", url, "started by a run that goes on; it stays from now on")
    return Up("Prefect", url, _note(url, port, lasted))


def _prefect_down(home: Path) -> Down | None:
    folder = home / "prefect"
    address = own_server.running(folder)
    if address is None or not own_server.lasts(home, address):
        return None
    url = address.url.removesuffix("/api")
    with own_server.deciding(folder):
        if own_server.in_use(folder):
            return Down("Prefect", url, "a run still uses it: it ends with that run")
        own_server.stop(folder)
    return Down("Prefect", url)


def _mlflow_found_or_started(home: Path, port: int) -> tuple[own_server.Address, bool]:
    folder = home / "mlflow"
    entry = _read(home).get("mlflow")
    if entry is not None and not _is_free(folder / "serving.lock"):
        return own_server.Address(str(entry["url"]), int(entry["pid"])), False
    folder.mkdir(parents=True, exist_ok=True)
    port = port if port_is_free(port) else _free_port()
    with (folder / "serving.lock").open("a") as serving, (folder / "server.log").open("wb") as log:
        fcntl.flock(serving, fcntl.LOCK_EX)  # inherited, and held for as long as the server lives
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server"),
                *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
                *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
                *("--default-artifact-root", (folder / "artifacts").as_uri(), "--no-serve-artifacts"),
            ],
            env={k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
            | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(serving.fileno(),),
            start_new_session=True,
            cwd=folder,
        )
    return own_server.Address(f"http://127.0.0.1:{port}", process.pid), True


def _wait_for_mlflow(home: Path, address: own_server.Address) -> None:
    log = home / "mlflow" / "server.log"
    deadline = time.monotonic() + START_BOUND
    while not _answers(address.url):
        ended = _is_free(home / "mlflow" / "serving.lock")
        if ended or time.monotonic() > deadline:
            _end_group(home, address.pid)
            raise StackError(
                "the MLflow server ended while it started" if ended else f"MLflow does not answer at {address.url}",
                why=f"its log, {log}, ends with:\n{own_server.tail(log)}",
                fix="mend what the log names, and say `kaon up` again",
            )
        time.sleep(0.1)


def _mlflow_down(home: Path) -> Down | None:
    entry = _read(home).get("mlflow")
    if entry is None or _is_free(home / "mlflow" / "serving.lock"):
        return None
    _end_group(home, int(entry["pid"]))
    return Down("MLflow", str(entry["url"]))


def _end_group(home: Path, group: int) -> None:
    """End a server with all its workers."""
    lock = home / "mlflow" / "serving.lock"
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
        deadline = time.monotonic() + STOP_BOUND
        while not _is_free(lock) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(group, signal.SIGKILL)


def _note(url: str, wanted: int, lasted: bool) -> str:
    if lasted:
        return "was up already"
    return "" if url.endswith(f":{wanted}") else f"port {wanted} is in use, so it took another"


def _read(home: Path) -> dict[str, Any]:
    try:
        stack = json.loads((home / "stack.json").read_text())
    except (OSError, ValueError):
        return {}
    return stack if isinstance(stack, dict) else {}


def _write(home: Path, stack: dict[str, Any]) -> None:
    temporary = home / "stack.json.new"
    temporary.write_text(json.dumps(stack, indent=2) + "\n")
    temporary.replace(home / "stack.json")


@contextmanager
def _deciding(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "stack.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _answers(url: str) -> bool:
    try:
        with build_opener(ProxyHandler({})).open(f"{url}/health", timeout=5) as reply:
            return bool(reply.status == 200)
    except (URLError, OSError):
        return False


def _is_free(lock: Path) -> bool:
    if not lock.exists():
        return True
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def addresses(home: Path) -> tuple[str, ...]:
    """Return where the servers listen that `kaon up` has started and nobody has stopped."""
    return tuple(str(entry["url"]) for entry in _read(home).values())


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
