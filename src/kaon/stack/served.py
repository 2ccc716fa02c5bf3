"""A server of the stack that is a process of its own: found or started, waited for, stopped with all its workers."""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from kaon.artifacts.ports import free_port, port_is_free
from kaon.dsl.backends.prefect import own_server
from kaon.dsl.backends.prefect.own_server import Address
from kaon.dsl.errors import Problem

START_BOUND = 120.0
STOP_BOUND = 10.0


class StackError(Exception):
    """A part of the lasting stack cannot be started or stopped: what is wrong, why, and the mend."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(str(Problem(what, why=why, fix=fix)))


@dataclass(frozen=True, slots=True)
class Served:
    """One such server; `<home>/<folder>` has its log, and a lock that is held for as long as it lives."""

    name: str
    folder: str
    """Its folder in the home, and its name in stack.json."""
    health: str
    """Path that answers with 200 once it can be used."""

    def found_or_started(
        self, home: Path, port: int, command: Callable[[int], list[str]], environment: Mapping[str, str]
    ) -> tuple[Address, bool]:
        """Return where it listens, and whether it was started for that.

        command: what starts it on a port; a port that is in use is replaced by a free one.
        """
        folder = home / self.folder
        entry = read(home).get(self.folder)
        if entry is not None and not own_server.is_free(folder / "serving.lock"):
            return Address(str(entry["url"]), int(entry["pid"])), False
        folder.mkdir(parents=True, exist_ok=True)
        port = port if port_is_free(port) else free_port()
        with (folder / "serving.lock").open("a") as serving, (folder / "server.log").open("wb") as log:
            fcntl.flock(serving, fcntl.LOCK_EX)  # inherited, and held for as long as the server lives
            process = subprocess.Popen(
                command(port),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(serving.fileno(),),
                start_new_session=True,
                cwd=folder,
            )
        return Address(f"http://127.0.0.1:{port}", process.pid), True

    def wait(self, home: Path, address: Address) -> None:
        """Wait until it answers. Raises StackError if it ends, or does not answer in time."""
        log = home / self.folder / "server.log"
        deadline = time.monotonic() + START_BOUND
        while not self._answers(address.url):
            ended = own_server.is_free(home / self.folder / "serving.lock")
            if ended or time.monotonic() > deadline:
                self._end_group(home, address.pid)
                ending = f"the {self.name} server ended while it started"
                raise StackError(
                    ending if ended else f"{self.name} does not answer at {address.url}",
                    why=f"its log, {log}, ends with:\n{own_server.tail(log)}",
                    fix="mend what the log names, and say `kaon up` again",
                )
            time.sleep(0.1)

    def stop(self, home: Path) -> str | None:
        """Stop it, and return where it listened; None if it was not up."""
        entry = read(home).get(self.folder)
        if entry is None or own_server.is_free(home / self.folder / "serving.lock"):
            return None
        self._end_group(home, int(entry["pid"]))
        return str(entry["url"])

    def _answers(self, url: str) -> bool:
        try:
            with build_opener(ProxyHandler({})).open(f"{url}{self.health}", timeout=5) as reply:
                return bool(reply.status == 200)
        except (URLError, OSError):
            return False

    def _end_group(self, home: Path, group: int) -> None:
        """End the server with all its workers."""
        lock = home / self.folder / "serving.lock"
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGTERM)
            deadline = time.monotonic() + STOP_BOUND
            while not own_server.is_free(lock) and time.monotonic() < deadline:
                time.sleep(0.02)
            os.killpg(group, signal.SIGKILL)


def read(home: Path) -> dict[str, Any]:
    """Return what is up, by the names of stack.json."""
    try:
        stack = json.loads((home / "stack.json").read_text())
    except (OSError, ValueError):
        return {}
    return stack if isinstance(stack, dict) else {}


def write(home: Path, stack: Mapping[str, Any]) -> None:
    """Record what is up."""
    temporary = home / "stack.json.new"
    temporary.write_text(json.dumps(stack, indent=2) + "\n")
    temporary.replace(home / "stack.json")


def record(home: Path, name: str, address: Address) -> None:
    """Record one server as up."""
    write(home, {**read(home), name: {"url": address.url, "pid": address.pid}})
