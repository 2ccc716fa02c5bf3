"""The truth about what has run: runs, steps, artifacts, messages.

`Records` loads SQLAlchemy; what it takes and returns (`RunRecord`, `Begin`, …) does not.
"""

from __future__ import annotations

from .calls import (
    Answer,
    Begin,
    Begun,
    Call,
    Committed,
    Done,
    Elsewhere,
    Ending,
    Found,
    NewOutput,
    keys_json,
)
from .overview import PathProgress, RunOverview
from .record import (
    STATES,
    TERMINAL,
    HoldRecord,
    Lease,
    Message,
    MessageKind,
    RegisteredWorkflow,
    RunRecord,
    State,
    StepRecord,
)

__all__ = [
    "STATES",
    "TERMINAL",
    "Answer",
    "Begin",
    "Begun",
    "Call",
    "Committed",
    "Done",
    "Elsewhere",
    "Ending",
    "Found",
    "HoldRecord",
    "Lease",
    "Message",
    "MessageKind",
    "NewOutput",
    "PathProgress",
    "RegisteredWorkflow",
    "RunOverview",
    "RunRecord",
    "State",
    "StepRecord",
    "keys_json",
]
