"""All records over one database."""

from __future__ import annotations

from .messages import MessageRecords
from .outputs import OutputRecords
from .runs import RunRecords
from .steps import StepRecords


class Records(RunRecords, StepRecords, OutputRecords, MessageRecords):
    """Runs, steps, artifacts and messages: the truth about what has run.

    Times are datetimes in UTC. Every method is one transaction, safe to call from many threads and processes.
    """
