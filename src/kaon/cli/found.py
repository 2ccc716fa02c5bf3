"""The run, or the number, that an argument names."""

from typing import TYPE_CHECKING

from .refusals import CallError

if TYPE_CHECKING:
    from kaon.artifacts import RunRecord, Store


def found_run(store: "Store", named: str) -> "RunRecord":
    """Return the run of that number, or the newest for `last`. Raises CallError or UnknownRecord."""
    if named != "last":
        return store.records.run(number(named, "a run"))
    newest = store.records.runs(limit=1)
    if not newest:
        raise CallError("there is no run yet", why=f"the store is {store.url}", fix="kaon run FLOW")
    return newest[0]


def number(text: str, what: str) -> int:
    """Return the number that names something. Raises CallError for what is no number."""
    if not text.isdecimal():
        raise CallError(f"{text!r} is not the number of {what}", fix="kaon runs lists every run with its number")
    return int(text)
