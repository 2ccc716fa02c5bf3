"""Run a command on this machine in a group of processes of its own, hear it line by line, and leave none behind."""

import errno
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..context import Message
from .attempt import Attempt
from .errors import PlaceError
from .exits import LastLines, failed
from .guard import guard
from .lines import Lines

LOOK = 0.2
"""Seconds between two looks at whether the step may go on."""
GRACE = 2.0
"""Seconds between asking a command to end and killing it."""
PIECE = 1 << 16
"""Bytes that are read at a time."""
PACKAGES = {"Rscript": "r-base-core", "java": "openjdk-17-jre-headless"}
"""Debian's packages of the programs that Kaon's own workflows run."""
GATE = ("/bin/sh", "-c", 'read -r go && exec "$@" < /dev/null', "sh")
"""What becomes the command once it is told to. By then the guard knows of its group, so that whenever this process
dies, nothing of the command goes on."""


def run_command(words: Sequence[str], *, within: Path, environment: Mapping[str, str], attempt: Attempt) -> None:
    """Run a command to its end; what it prints is told as lines of the step's log.

    Raises CommandFailed if it fails, PlaceError if it cannot be started, and what `attempt.go_on` raises, by when
    the command and all that it started is gone.
    """
    process = _started(words, within, environment)
    last = LastLines()

    def tell(line: str) -> None:
        attempt.tell(Message("log", line))

    def tell_error(line: str) -> None:
        last.add(line)
        tell(line)

    assert process.stdout is not None and process.stderr is not None, "they are pipes"
    readers = [_reading(process.stdout, tell), _reading(process.stderr, tell_error)]
    with guard().over("group", process.pid):
        try:
            _let_go(process)
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK)
                attempt.go_on()
        finally:
            _end(process)
            for reader in readers:
                reader.join(GRACE)  # what left the group may hold the pipe open
    if process.returncode:
        raise failed(process.returncode, words, str(last))


def _hear(stream: IO[bytes], tell: Callable[[str], None]) -> None:
    """Tell the lines of a stream, to its end."""
    lines = Lines(tell)
    while piece := os.read(stream.fileno(), PIECE):
        lines.add(piece)
    lines.end()


def _started(words: Sequence[str], within: Path, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Return a process that waits at the gate. Raises PlaceError for a program that is not there."""
    try:
        if shutil.which(within / words[0] if "/" in words[0] else words[0], path=environment.get("PATH")) is None:
            raise FileNotFoundError(errno.ENOENT, "No such program, or it is not executable")
        return subprocess.Popen(
            (*GATE, *words),
            cwd=within,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise PlaceError(
            f"the program {words[0]!r} cannot be started",
            why=error.strerror or str(error),
            fix=f"apt-get install {PACKAGES[words[0]]}"
            if words[0] in PACKAGES
            else "install it, or see whether it is on the PATH of this process and executable",
        ) from None


def _let_go(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None, "it is a pipe"
    with suppress(BrokenPipeError), process.stdin:
        process.stdin.write(b"go\n")


def _reading(stream: IO[bytes], tell: Callable[[str], None]) -> threading.Thread:
    thread = threading.Thread(target=_hear, args=(stream, tell), name="kaon-output", daemon=True)
    thread.start()
    return thread


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the command and all that it started in its group."""
    if process.poll() is None:
        _signal(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
