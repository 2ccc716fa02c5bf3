"""Perform a step: read its inputs, run it, and put its outputs into a form to be recorded. Works in any process.

What performs a step writes no records: it reads from the store, may add blobs to it, and hands back what it made.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from kaon.artifacts import ArtifactsError, Digest, Metrics, NewOutput, Store, digest_value, open_store

from ..context import Message, StepContext, stepping
from ..ir import Step
from ..places.command import Command
from ..places.in_process import run_in_process
from ..plan import Call
from ..secrets import Secret, SecretKept, masked, refuse_secrets
from ..signature import signature_of
from .checkpoints import StoredCheckpoints
from .contents import is_path
from .failures import InputNotRead, OutputNotStored, cause_of
from .keys import key_of
from .output_capture import captured
from .references import Reference, load


@dataclass(frozen=True, slots=True)
class StepCode:
    """A call and what running it needs of the step's declaration; it can be sent to another process."""

    call: Call
    function: Callable[..., Any]
    inputs: Mapping[str, Any]
    """The type of every input."""
    outputs: tuple[Any, ...]
    """The types of the outputs."""
    several: bool
    """Whether the function returns its outputs as a tuple."""
    paths: frozenset[str]
    """The inputs that are paths of files or folders."""
    returned: Digest
    """The digest of the outputs' names and types."""
    command: Command | None = None
    """What it runs instead of the function."""

    def key(self, inputs: Mapping[str, Reference]) -> Digest:
        """Return the digest of all that decides what the step makes of these inputs."""
        return key_of(self.call, inputs, paths=self.paths, returned=self.returned)


@dataclass(frozen=True, slots=True)
class Work:
    """One try of a call."""

    path: str
    run: int
    tries: int
    """Which try this is: 1, 2, …"""
    inputs: Mapping[str, Reference]

    def __reduce__(self) -> tuple[Any, ...]:  # several times as fast as what a frozen dataclass with slots does
        return Work, (self.path, self.run, self.tries, self.inputs)


@dataclass(frozen=True, slots=True)
class Performed:
    """What a step made."""

    outputs: tuple[NewOutput, ...]
    metrics: Mapping[str, float]
    """The numbers of its outputs that are metrics, as `output.name`."""
    seconds: float = 0.0
    """How long it took."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Performed, (self.outputs, self.metrics, self.seconds)


@dataclass(frozen=True, slots=True)
class Broken:
    """Why a step made nothing."""

    cause: str
    traceback: str = ""
    seconds: float = 0.0
    """How long it took."""


def step_code(call: Call, step: Step[..., Any]) -> StepCode:
    """Return what running a call of a step needs."""
    signature = signature_of(step.definition)
    inputs = {parameter.name: parameter.annotation for parameter in signature.parameters}
    outputs = tuple(annotation for _, annotation in signature.outputs)
    paths = frozenset(name for name, annotation in inputs.items() if is_path(annotation))
    returned = digest_value([[output.name, output.type] for output in call.outputs])
    definition = step.definition
    return StepCode(call, definition.function, inputs, outputs, signature.several, paths, returned, definition.command)


def perform(
    code: StepCode,
    work: Work,
    store: Store,
    tell: Callable[[Message], None],
    *,
    timeout: float | None = None,
    within: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Performed | Broken:
    """Run a step once and return what it made, or why it made nothing.

    timeout: seconds after which it is stopped at its next line of Python; None where the process is killed instead.
    within: is entered in the thread in which the step runs.
    """

    def run(**inputs: Any) -> Any:
        with within():
            return code.function(**inputs)

    def hear(message: Message) -> None:
        tell(without_secrets(message))

    def plan() -> str:
        return store.records.run(work.run).plan

    def key() -> Digest:
        return code.key(work.inputs)

    began = time.monotonic()
    try:
        inputs = {name: _loaded(code, name, reference, store) for name, reference in work.inputs.items()}
        context = StepContext(work.path, work.run, work.tries, hear, plan, StoredCheckpoints(store, hear, key))
        with stepping(context), captured(context):
            value = run_in_process(run, inputs, timeout)
        outputs, metrics = dumped(code, values_of(code, value), store)
    except Exception as error:
        return Broken(*cause_of(error), time.monotonic() - began)
    return Performed(outputs, metrics, time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker process is given once: where the store is, and the code of every step that it may be asked for."""

    store: str
    codes: Mapping[str, StepCode]
    """By the path of the call."""

    def __call__(self) -> Callable[[Work, Callable[[Message], None]], Performed | Broken]:
        """Return what performs works in this process."""
        store = open_store(self.store)
        return lambda work, tell: perform(self.codes[work.path], work, store, tell)


def without_secrets(message: Message) -> Message:
    """Return what a step says with *** for every secret that was revealed here."""
    text = masked(message.text)
    return message if text == message.text else replace(message, text=text)


def _loaded(code: StepCode, name: str, reference: Reference, store: Store) -> Any:
    try:
        value = load(reference, code.inputs[name], store)
    except (ArtifactsError, ValueError) as error:
        raise InputNotRead(f"the input {name!r} cannot be read: {error}") from error
    if type(value) is Secret:
        value.reveal()  # a missing one fails the step now, and from now on its value is masked
    return value


def values_of(code: StepCode, value: Any) -> tuple[Any, ...]:
    """Return the outputs in what the function returned, in their order."""
    outputs = code.call.outputs
    if not code.several:
        return (value,) * len(outputs)
    if not isinstance(value, tuple) or len(value) != len(outputs):
        names = ", ".join(made.returned_as for made in outputs)
        raise TypeError(f"{code.call.step} must return its outputs ({names}), and returned a {type(value).__name__}")
    return value


def dumped(code: StepCode, values: tuple[Any, ...], store: Store) -> tuple[tuple[NewOutput, ...], Mapping[str, float]]:
    """Return the outputs in a form to be recorded, and the numbers of those that are metrics."""
    made = []
    for output, value, annotation in zip(code.call.outputs, values, code.outputs, strict=True):
        try:
            made.append(store.dumped(value, name=output.name, annotation=annotation, check=refuse_secrets))
        except (ArtifactsError, SecretKept) as error:
            raise OutputNotStored(f"the output {output.name!r} cannot be stored: {error}") from error
    named = zip(code.call.outputs, values, strict=True)
    metrics = {f"{o.name}.{k}": v for o, value in named if isinstance(value, Metrics) for k, v in value.items()}
    return tuple(made), metrics
