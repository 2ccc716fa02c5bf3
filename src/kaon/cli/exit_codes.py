"""What the exit codes of `kaon` mean.

0    it went well: a run completed
1    a run failed, or something on this machine is in the way
2    the workflow or the call is wrong
3    a run is held: it waits for a person, and `kaon approve RUN` continues it
130  a run was cancelled or interrupted
"""

COMPLETED = 0
FAILED = 1
WRONG_CALL = 2
HELD = 3
CANCELLED = 130

_OF_RUNS = {"completed": COMPLETED, "failed": FAILED, "held": HELD, "cancelled": CANCELLED}


def exit_code(state: str) -> int:
    """Return the exit code for a run that ended so.

    >>> [exit_code(state) for state in ("completed", "failed", "held", "cancelled")]
    [0, 1, 3, 130]
    """
    return _OF_RUNS[state]
