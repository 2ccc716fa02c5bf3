"""The runs of a backfill, each in a process of its own: a step that takes its process down takes one interval."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

from .interval_run import LAST_LINE

PATIENCE = 20.0
"""Seconds that interrupted runs are given to end."""
LOOK_EVERY = 0.05


@dataclass(slots=True)
class Interval:
    """One interval of a backfill, and what became of it."""

    time: date | datetime
    settings: Mapping[str, Any]
    state: str = ""
    """Empty until it is known: skipped, completed, failed, cancelled, held, running (in another process)."""
    run: int | None = None
    reason: str = ""
    seconds: float = 0.0

    @property
    def label(self) -> str:
        """The interval as it is named: 2026-01-31, or 2026-01-31T05:00."""
        return self.time.isoformat(timespec="minutes")[:16] if isinstance(self.time, datetime) else str(self.time)


@dataclass(slots=True)
class _Running:
    interval: Interval
    process: subprocess.Popen[str]
    output: IO[str]
    started: float


def carry_out(
    planned: Sequence[Interval], order: Mapping[str, Any], at_once: int, tell: Callable[[Interval], None]
) -> bool:
    """Run the intervals that have no state yet, `at_once` at a time, and tell each that has ended.

    Returns whether it was interrupted: no more were begun then, and those that ran were ended.
    """
    waiting = [interval for interval in planned if not interval.state]
    running: list[_Running] = []
    terminated = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(_begun(waiting.pop(0), order))
            time.sleep(LOOK_EVERY)
            running = _told(running, tell)
    except KeyboardInterrupt:
        _end(running, tell)
        return True
    finally:
        signal.signal(signal.SIGTERM, terminated)
    return False


def _begun(interval: Interval, order: Mapping[str, Any]) -> _Running:
    output = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed when its outcome is read
    process = subprocess.Popen(
        [sys.executable, "-m", "kaon.cli.interval_run"],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        text=True,
        start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the runs
    )
    tags = {**order["tags"], "as_of": interval.label}
    assert process.stdin is not None, "it is a pipe"
    with suppress(BrokenPipeError), process.stdin as given:
        json.dump({**order, "settings": dict(interval.settings), "tags": tags}, given)
    return _Running(interval, process, output, time.monotonic())


def _told(running: Sequence[_Running], tell: Callable[[Interval], None]) -> list[_Running]:
    """Tell those that have ended, and return the others."""
    left = []
    for one in running:
        if one.process.poll() is None:
            left.append(one)
            continue
        _note_outcome(one)
        tell(one.interval)
    return left


def _note_outcome(ended: _Running) -> None:
    interval = ended.interval
    interval.seconds = time.monotonic() - ended.started
    ended.output.seek(0)
    lines = [line for line in ended.output.read().splitlines() if line.strip()]
    ended.output.close()
    if lines and lines[-1].startswith(LAST_LINE):
        outcome = json.loads(lines[-1].removeprefix(LAST_LINE))
        interval.run, interval.state, interval.reason = outcome["run"], outcome["state"], outcome["reason"]
        return
    code = ended.process.returncode
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
    interval.state = "failed"
    interval.reason = f"its process {how}" + (f": {lines[-1]}" if lines else "")


def _end(running: Sequence[_Running], tell: Callable[[Interval], None]) -> None:
    """Interrupt the runs, wait until they are recorded as cancelled, and kill what does not end."""
    for one in running:
        with suppress(ProcessLookupError):
            one.process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + PATIENCE
    for one in running:
        with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
            one.process.wait(max(0.1, deadline - time.monotonic()))
        if one.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()
    _told(running, tell)
