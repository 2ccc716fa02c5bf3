"""`kaon logs RUN [STEP]`: what the steps of a run said."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Home, RunId
from .refusals import CallError

if TYPE_CHECKING:
    from kaon.artifacts import Message, Store


def logs(
    run: RunId,
    step: Annotated[str | None, typer.Argument(metavar="[STEP]", help="A step's name, or its path.")] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Print what steps logged and told while they ran, the oldest first."""
    from kaon.artifacts import open_store

    from .described import described_message
    from .found import found_run
    from .printed import place, print_json

    store = open_store()
    record = found_run(store, run)
    if step is not None:
        _check_step(store, record.id, step)
    said = _messages(store, record.id, step)
    if as_json:
        print_json([described_message(message) for message in said])
        return
    places = {step_run.id: place(step_run) for step_run in store.records.step_runs(record.id)}
    for message in said:
        time = message.time.astimezone().strftime("%H:%M:%S")
        where = places.get(message.step_run or 0, record.workflow)
        print(f"{time}  {where}  {_text(message)}")


def _check_step(store: "Store", run_id: int, step: str) -> None:
    from kaon.dsl.errors import did_you_mean

    known = {name for record in store.records.step_runs(run_id) for name in (record.path, record.step)}
    if step not in known:
        names = {name for name in known if "/" not in name} or known
        raise CallError(f"run {run_id} has no step {step!r}", fix=did_you_mean(step, names) or f"kaon status {run_id}")


def _messages(store: "Store", run_id: int, step: str | None) -> Iterator["Message"]:
    after = 0
    while page := store.records.messages(run_id, step, after):
        yield from page
        after = page[-1].id


def _text(message: "Message") -> str:
    payload = message.payload if isinstance(message.payload, dict) else {}
    values = payload.get("values")
    numbers = dict(values) if isinstance(values, dict) else {}
    if message.kind == "progress" and "fraction" in numbers:
        return f"{numbers['fraction']:4.0%} {message.text}".rstrip()
    at = f" at {payload['at']}" if payload.get("at") is not None else ""
    shown = " ".join(f"{name}={value:g}" for name, value in numbers.items())
    return f"{message.text} {shown}{at if shown else ''}".strip()
