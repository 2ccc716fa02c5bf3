"""The lasting local stack of a home: a Prefect server, an MLflow server and the web application, until `kaon down`.

`<home>/stack.json` names what is up: {"prefect": {"url": …, "pid": …}, "mlflow": {…}, "ui": {…}}.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kaon.dsl.backends.prefect import own_server

from .served import START_BOUND, Served, StackError, read, record

__all__ = ["MLFLOW_PORT", "PREFECT_PORT", "START_BOUND", "UI_PORT", "Down", "StackError", "Up", "addresses", "down"]
__all__ += ["prefect_api", "up"]

PREFECT_PORT = 4200
MLFLOW_PORT = 5000
UI_PORT = 4300

MLFLOW = Served("MLflow", "mlflow", "/health")
UI = Served("Kaon", "ui", "/login")


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


def up(
    home: Path, *, prefect_port: int = PREFECT_PORT, mlflow_port: int = MLFLOW_PORT, ui_port: int = UI_PORT
) -> tuple[Up, Up, Up]:
    """Start what is not up yet, wait until it answers, and return Prefect, MLflow and the web application.

    A port that is in use is replaced by a free one, which the note says. Raises StackError or PrefectServerError, and
    leaves up what did start.
    """
    home = home.absolute()
    with _deciding(home):
        mlflow, mlflow_started = _mlflow_found_or_started(home, mlflow_port)
        prefect = _prefect_up(home, prefect_port)
        if mlflow_started:
            _wait_for_mlflow(home, mlflow)
            record(home, MLFLOW.folder, mlflow)
        ui, ui_started = _ui_found_or_started(home, ui_port, f"{prefect.url}/api", mlflow.url)
        if ui_started:
            UI.wait(home, ui)
            record(home, UI.folder, ui)
        return (
            prefect,
            Up("MLflow", mlflow.url, _note(mlflow.url, mlflow_port, not mlflow_started)),
            Up("Kaon", ui.url, _note(ui.url, ui_port, not ui_started)),
        )


def down(home: Path) -> tuple[Down, ...]:
    """Stop what is up and return it; nothing, if nothing was up.

    A Prefect server that a run is using stays for that run, and ends with it.
    """
    home = home.absolute()
    if not home.exists():
        return ()
    with _deciding(home):
        ui = UI.stop(home)
        prefect = _prefect_down(home)
        mlflow = MLFLOW.stop(home)
        (home / "stack.json").unlink(missing_ok=True)
    others = [Down(part.name, url) for part, url in ((MLFLOW, mlflow), (UI, ui)) if url is not None]
    return (*([] if prefect is None else [prefect]), *others)


def addresses(home: Path) -> tuple[str, ...]:
    """Return where the servers listen that `kaon up` has started and nobody has stopped."""
    return tuple(str(entry["url"]) for entry in read(home).values())


def prefect_api(home: Path) -> str | None:
    """Return the API of the Prefect server that the environment names, or that serves this home now; None if none."""
    address = own_server.running(own_server.server_folder(home)) if home.exists() else None
    return os.environ.get("PREFECT_API_URL") or (None if address is None else address.url)


def _prefect_up(home: Path, port: int) -> Up:
    folder = own_server.server_folder(home)
    found = own_server.running(folder)
    address = own_server.begin_server(home, port)
    own_server.wait_until_healthy(folder, address)
    lasted = own_server.lasts(home, address)
    record(home, "prefect", own_server.Address(address.url, address.pid))
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
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}

    def command(port: int) -> list[str]:
        return [
            *(sys.executable, "-m", "mlflow", "server"),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
            *("--default-artifact-root", (folder / "artifacts").as_uri(), "--no-serve-artifacts"),
        ]

    return MLFLOW.found_or_started(home, port, command, environment)


def _wait_for_mlflow(home: Path, address: own_server.Address) -> None:
    MLFLOW.wait(home, address)


def _ui_found_or_started(home: Path, port: int, prefect: str, mlflow: str) -> tuple[own_server.Address, bool]:
    environment = {**os.environ, "PREFECT_API_URL": prefect, "MLFLOW_TRACKING_URI": mlflow}
    environment.pop("KAON_UI_TOKEN", None)  # it listens on the loopback

    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "kaon.cli", "ui", "--home", str(home), "--port", str(port)]

    return UI.found_or_started(home, port, command, environment)


def _note(url: str, wanted: int, lasted: bool) -> str:
    if lasted:
        return "was up already"
    return "" if url.endswith(f":{wanted}") else f"port {wanted} is in use, so it took another"


@contextmanager
def _deciding(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "stack.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
