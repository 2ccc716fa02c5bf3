"""Sweep settings of a workflow as it is: the IR is rewritten, the workflow's code is not touched."""

from .objective import Objective
from .swept import sweep_problems, swept

__all__ = ["Objective", "sweep_problems", "swept"]
