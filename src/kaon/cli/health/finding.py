"""What a check has found."""

from dataclasses import dataclass
from typing import Literal

Part = Literal["machine", "Prefect server", "store"]
Verdict = Literal["ok", "warning", "trouble"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `kaon doctor`."""

    part: Part
    check: str
    """What was looked at, in a word or two."""
    verdict: Verdict
    """warning: works, but not all of it or not well; trouble: something that Kaon needs does not work."""
    found: str
    why: str = ""
    """Why it matters."""
    fix: str = ""


def ok(part: Part, check: str, found: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(part, check, "ok", found)


def warning(part: Part, check: str, found: str, *, why: str, fix: str) -> Finding:
    """Return the finding that something could be better."""
    return Finding(part, check, "warning", found, why, fix)


def trouble(part: Part, check: str, found: str, *, why: str, fix: str) -> Finding:
    """Return the finding that something does not work."""
    return Finding(part, check, "trouble", found, why, fix)
