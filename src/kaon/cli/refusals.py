"""Errors that a user can mend: told as problem, why and fix, without a traceback, and with an exit code each."""

import sys
from dataclasses import dataclass
from pathlib import Path

from .exit_codes import FAILED, WRONG_CALL


class CallError(Exception):
    """The command line asks for something that is not there or cannot be."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        from kaon.dsl.errors import Problem

        super().__init__(str(Problem(what, why=why, fix=fix)))


@dataclass(frozen=True, slots=True)
class Refusal:
    """What to print, and the exit code."""

    text: str
    exit_code: int


def told(error: Exception) -> Refusal | None:
    """Return how to tell an error that is the user's to mend; None for one that is a fault of Kaon's own."""
    if isinstance(error, CallError):
        return Refusal(str(error), WRONG_CALL)
    for module, name, exit_code in _MENDABLE:
        kind = getattr(sys.modules.get(module), name, None)  # a module that is not loaded has raised nothing
        if kind is not None and isinstance(error, kind):
            return Refusal(str(error), exit_code)
    return _home_refused(error) if isinstance(error, OSError) else None


def _home_refused(error: OSError) -> Refusal | None:
    from kaon.artifacts import kaon_home
    from kaon.dsl.errors import Problem

    home = kaon_home()
    if error.filename is None or not Path(str(error.filename)).is_relative_to(home):
        return None
    fix = "set KAON_HOME to a folder that can be written, or give --home"
    return Refusal(str(Problem(f"the home {str(home)!r} cannot be used", why=str(error), fix=fix)), FAILED)


_MENDABLE = (
    ("kaon.dsl.errors", "WorkflowError", WRONG_CALL),
    ("kaon.artifacts.errors", "UnknownRecord", WRONG_CALL),
    ("kaon.artifacts.errors", "StillRunning", WRONG_CALL),
    ("kaon.artifacts.errors", "Fenced", FAILED),
    ("kaon.artifacts.errors", "AlreadyEnded", WRONG_CALL),
    ("kaon.steps.bundle", "BundleError", WRONG_CALL),
    ("kaon.steps.wsdm_lists", "BadLists", WRONG_CALL),
    ("kaon.artifacts.errors", "ArtifactsError", FAILED),
    ("kaon.dsl.backends.prefect.own_server", "PrefectServerError", FAILED),
    ("kaon.dsl.backends.prefect.notices", "NotifyError", WRONG_CALL),
    ("kaon.dsl.backends.prefect.deployment", "PoolError", WRONG_CALL),
    ("kaon.dsl.backends.prefect.task_runners", "RunnerMissing", WRONG_CALL),
    ("kaon.stack", "StackError", FAILED),
)
