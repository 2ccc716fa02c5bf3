"""What the exit code of a command means, in words."""

import signal
from collections import deque
from collections.abc import Sequence

from .errors import PlaceError

SHOWN = 20
"""Lines of what a command said last that its error shows."""


class CommandFailed(PlaceError):
    """A command ended with another exit code than 0, or was killed."""


class LastLines:
    """The last lines that a command wrote to one of its streams."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=SHOWN)

    def add(self, line: str) -> None:
        """Take in a line."""
        self._lines.append(line)

    def __str__(self) -> str:
        return "\n".join(f"    {line}" for line in self._lines)


def failed(code: int, words: Sequence[str], said: str, *, why: str = "", fix: str = "") -> CommandFailed:
    """Return the error for a command that failed.

    code: as a process has it, negative for a signal, or as a shell and a container tell it, 128 and the signal.
    said: the last lines of its stderr.
    why, fix: what is known besides the code, such as that it was killed for its memory.
    """
    meaning, mend = explained(code, words[0])
    told = f"{why or meaning}\n  it said last:\n{said}" if said else (why or meaning)
    return CommandFailed(f"the command {words[0]!r} {ending(code)}", why=told, fix=fix or mend)


def ending(code: int) -> str:
    """Return how a command ended.

    >>> ending(3), ending(-9), ending(137)
    ('ended with exit code 3', 'was killed by SIGKILL', 'was killed by SIGKILL (exit code 137)')
    """
    if code < 0:
        return f"was killed by {_signal(-code)}"
    if code > 128 and _signal(code - 128):
        return f"was killed by {_signal(code - 128)} (exit code {code})"
    return f"ended with exit code {code}"


def explained(code: int, program: str) -> tuple[str, str]:
    """Return what an exit code means, and what to do about it."""
    number = -code if code < 0 else code - 128
    match code:
        case 126:
            return f"{program!r}, or what it starts, is no program that can be run", "see whether it is executable"
        case 127:
            return f"{program!r}, or what it starts, is not there", "install it where the step runs, or mend its name"
        case 137 | -9:
            why = "most often the kernel kills a process because memory is short"
            return why, "give it more memory, or less to do at once; the kernel's log (dmesg) names what it killed"
        case 139 | -11:
            return "it read or wrote memory that is not its own: a fault in the program", "see what it did last"
        case _ if _signal(number):
            return f"something sent it {_signal(number)}", "see what it did last, and who stops processes here"
    return "the command itself says that it failed", "see what it said"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
