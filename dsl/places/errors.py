"""The errors of places.

PlaceError        a place is not there, or cannot do what was asked
PoolError         the pool cannot do what was asked
├── SetupFailed   what every worker needs could not be built
├── NotSendable   a task cannot be pickled
├── PoolClosed    the pool was closed
├── ZygoteGone    the process that starts workers died, more than once
└── TooLarge      more was asked for than the machine has
"""

from ..errors import Problem


class PlaceError(Exception):
    """A place is not there, or cannot perform a step: the problem, the reason and the mend."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        told = (f"  {label}: {text}" for label, text in (("why", why), ("fix", fix)) if text)
        super().__init__("\n".join([what, *told]))
        self.what = what


class PoolError(Exception):
    """The pool cannot do what was asked: the problem, the reason and the mend."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(str(Problem(what, why=why, fix=fix)))
        self.what = what


class SetupFailed(PoolError):
    """What every worker needs could not be built."""


class NotSendable(PoolError):
    """A task cannot be pickled, so that no process can be given it."""


class PoolClosed(PoolError):
    """The pool was closed: it takes no more tasks."""

    def __init__(self) -> None:
        super().__init__("the pool was closed", fix="make a new Pool")


class ZygoteGone(PoolError):
    """The process that starts workers died while it was to start one."""

    def __init__(self) -> None:
        super().__init__(
            "no worker could be started",
            why="the process that starts workers died",
            fix="see whether the machine is out of memory: the kernel's log (dmesg) names what it killed",
        )


class TooLarge(PoolError):
    """More was asked for than the machine has, so that waiting would not help."""
