"""The truth about what has run: runs, steps, artifacts, messages.

`Records` loads SQLAlchemy; the records themselves (`RunRecord`, …) do not.
"""

from __future__ import annotations

from .record import STATES, TERMINAL, Message, MessageKind, RunRecord, State, StepRecord

__all__ = ["STATES", "TERMINAL", "Message", "MessageKind", "RunRecord", "State", "StepRecord"]
