"""One try of an application as it is watched: how far it is, what its executors wrote, what it said last."""

import time
from collections import deque
from contextlib import AbstractContextManager

from ...context import Message
from ..attempt import Attempt, Job, Outcome
from .progress import DriverApi, Standing, log_lines

ASK_EVERY = 1.0
"""Seconds between two questions to the driver's API."""
EXECUTOR_LOG = 1 << 16
"""The most that is kept of an executor's log, in bytes from its end."""
REMEMBERED = 400
"""Last lines that are kept, to say why it failed."""


class Watched:
    """An attempt that looks at the driver's API whenever it is asked whether to go on."""

    def __init__(self, attempt: Attempt, api: DriverApi) -> None:
        self.path, self.run, self.tries, self.owner = attempt.path, attempt.run, attempt.tries, attempt.owner
        self.lines: deque[str] = deque(maxlen=REMEMBERED)
        """What the driver said last."""
        self._attempt = attempt
        self._api = api
        self._asked = time.monotonic()
        self._told: Standing | None = None
        self._logs: dict[str, str] = {}

    def here(self) -> Outcome:
        """Perform the step in this process."""
        return self._attempt.here()

    def in_own_process(self) -> Outcome:
        """Perform the step in a process of its own."""
        return self._attempt.in_own_process()

    def job(self) -> AbstractContextManager[Job]:
        """Yield the step as a command."""
        return self._attempt.job()

    def tell(self, message: Message) -> None:
        """Record what the driver says."""
        self.lines.append(message.text)
        self._attempt.tell(message)

    def go_on(self) -> None:
        """Return if the try may go on, and tell now and then how far it is."""
        self._attempt.go_on()
        if time.monotonic() - self._asked < ASK_EVERY:
            return
        self._asked = time.monotonic()
        self._logs.update(self._api.executor_logs())
        standing = self._api.standing()
        if standing is not None and standing != self._told:
            self._attempt.tell(Message("progress", standing.note, {"fraction": standing.fraction}))
            self._told = standing

    def tell_executor_logs(self) -> None:
        """Record the last lines of every executor's log, which the workers of the cluster keep."""
        for name, url in self._logs.items():
            try:
                for line in log_lines(url, EXECUTOR_LOG):
                    self._attempt.tell(Message("log", f"[{name}] {line}"))
            except OSError as error:
                self._attempt.tell(Message("log", f"[{name}] its worker does not give its log: {error}"))
