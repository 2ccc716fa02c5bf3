"""The run, or the artifact, that an argument names."""

from typing import TYPE_CHECKING

from .refusals import CallError

if TYPE_CHECKING:
    from kaon.artifacts import Artifact, RunRecord, Store

DIGITS = 18
"""The most that a number of the records has."""


def found_run(store: "Store", named: str) -> "RunRecord":
    """Return the run of that number, or the newest for `last`. Raises CallError or UnknownRecord."""
    if named != "last":
        return store.records.run(number(named, "a run", "kaon runs lists every run with its number"))
    newest = store.records.runs(limit=1)
    if not newest:
        raise CallError("there is no run yet", why=f"the store is {store.url}", fix="kaon run FLOW")
    return newest[0]


def found_artifact(store: "Store", named: str) -> "Artifact":
    """Return the artifact of that number. Raises CallError or UnknownRecord."""
    return store.records.artifact(
        number(named, "an artifact", "kaon artifacts RUN lists those of a run with their numbers")
    )


def number(text: str, what: str, fix: str) -> int:
    """Return the number that names something. Raises CallError for what is no number, or more than any database has."""
    if not text.isdecimal() or len(text) > DIGITS:
        raise CallError(f"{text!r} is not the number of {what}", fix=fix)
    return int(text)
