"""Interpret a plan: what order things run in, what each loop, repetition and decision does, what follows a failure.

Both backends interpret a plan by this one function; a Conductor says how a call is made and how branches run together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

from kaon.artifacts import Store

from ..plan import (
    Absent,
    Attempts,
    Branch,
    Call,
    Chain,
    Default,
    Fork,
    Given,
    Items,
    Json,
    Loop,
    Output,
    PlanNode,
    Setting,
    Source,
    Variable,
    walk,
)
from .failures import Failure, Stopped
from .frame import Frame
from .references import Joined, Plain, Reference, Stored, artifacts, load


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call at one item and attempt, with its inputs; an input that is left to its default is not there."""

    call: Call
    keys: tuple[tuple[str, Json], ...]
    attempts: tuple[int, ...]
    inputs: Mapping[str, Reference]


class Conductor(Protocol):
    """How a backend makes calls."""

    def call(self, invocation: Invocation) -> Mapping[str, Reference]:
        """Run a step, or reuse what it made before, and return its outputs; raises Stopped if it fails."""
        ...

    def together(self, parts: Sequence[Callable[[], None]], at_once: int | None) -> list[Stopped]:
        """Run the parts, at most `at_once` at the same time, every one to its end; return how the failed ones ended."""
        ...

    def abandon(self, call: Call, frame: Frame, reason: str) -> None:
        """Note that a call will not be made."""
        ...


class Interpreter:
    """Runs a plan's nodes, given its settings, a store to read items and conditions from, and a conductor."""

    def __init__(self, settings: Mapping[str, Json], store: Store, conductor: Conductor) -> None:
        self._settings = settings
        self._store = store
        self._conductor = conductor

    def run(self, node: PlanNode, frame: Frame) -> None:
        """Run a node; its outputs are in the frame afterwards.

        Raises Stopped with every failure inside, once nothing inside runs any more.
        """
        match node:
            case Call():
                self._call(node, frame)
            case Chain():
                self._chain(node, frame)
            case Fork():
                self._together([lambda branch=branch: self.run(branch, frame) for branch in node.branches], None)  # type: ignore[misc]
            case Loop():
                self._loop(node, frame)
            case Attempts():
                self._attempts(node, frame)
            case Branch():
                self._branch(node, frame)
            case _:
                assert_never(node)

    def resolve(self, source: Source, frame: Frame) -> Reference | None:
        """Return what a source stands for; None for an input that is left to the function's default."""
        match source:
            case Given(value=value):
                return Plain(value)
            case Setting(address=address):
                return Plain(self._settings[address])
            case Variable(loop=loop, name=name):
                return frame.variable(loop, name)
            case Output(node=path, name=name):
                return frame.output(path, name)
            case Absent():
                return Plain(None)
            case Default():
                return None
            case _:
                assert_never(source)

    def _call(self, call: Call, frame: Frame) -> None:
        resolved = {item.name: self.resolve(item.source, frame) for item in call.inputs}
        inputs = {name: reference for name, reference in resolved.items() if reference is not None}
        outputs = self._conductor.call(Invocation(call, frame.keys, frame.attempts, inputs))
        for name, reference in outputs.items():
            frame.values[call.path, name] = reference

    def _chain(self, node: Chain, frame: Frame) -> None:
        for index, part in enumerate(node.parts):
            try:
                self.run(part, frame)
            except Stopped as stopped:
                self._abandon(node.parts[index + 1 :], frame, f"not run: {stopped.failures[0].path} failed")
                raise

    def _together(self, parts: Sequence[Callable[[], None]], at_once: int | None) -> None:
        stopped = self._conductor.together(parts, at_once)
        if stopped:
            raise Stopped(tuple(failure for part in stopped for failure in part.failures))

    def _abandon(self, nodes: Sequence[PlanNode], frame: Frame, reason: str) -> None:
        for node in nodes:
            for inner in walk(node):
                if isinstance(inner, Call):
                    self._conductor.abandon(inner, frame, reason)

    def _loop(self, loop: Loop, frame: Frame) -> None:
        items = self._items(loop, frame)
        frames = [self._item_frame(loop, frame, item) for item in items]
        self._together([lambda inner=inner: self.run(loop.body, inner) for inner in frames], loop.at_once)  # type: ignore[misc]
        for export in loop.exports:
            joined = []
            for (key, _), inner in zip(items, frames, strict=True):
                reference = self.resolve(export.inside, inner)
                assert reference is not None, "an output is never a default"
                joined.append((key, reference))
            frame.values[loop.path, export.name] = Joined(tuple(joined))

    def _items(self, loop: Loop, frame: Frame) -> list[tuple[Json, dict[str, Reference]]]:
        """Return each item's key, and what its variables stand for."""
        if not isinstance(loop.over, Items):
            return [(_key(loop, point), _plain(loop, point)) for point in loop.over.points]
        (variable, *_) = loop.variables
        reference = self.resolve(loop.over.values, frame)
        assert reference is not None, "a loop runs over something that is provided"
        entries = self._entries(loop, reference, frame)
        if loop.over.mapping:
            return [(key, {variable: item, f"{variable}_key": Plain(key)}) for key, item in entries]
        return [(key, {variable: item}) for key, item in entries]

    def _entries(self, loop: Loop, reference: Reference, frame: Frame) -> list[tuple[Json, Reference]]:
        if isinstance(reference, Joined):
            return list(reference.items)
        value = self._store.get(reference.artifact, Any) if isinstance(reference, Stored) else reference.value
        whole = artifacts(reference)
        if isinstance(value, Mapping):
            return [(key, Plain(item, whole)) for key, item in value.items()]
        if not isinstance(value, list | tuple):
            shown = repr(value)[:80]
            raise _stopped(loop, frame, f"{loop.verb} needs a list or a mapping and got {shown}")
        twice = next((item for index, item in enumerate(value) if item in value[:index]), None)
        if twice is not None:
            cause = f"{twice!r} stands twice in the items of the loop, and they are its keys; make them distinct"
            raise _stopped(loop, frame, cause)
        return [(item, Plain(item, whole)) for item in value]

    def _item_frame(self, loop: Loop, frame: Frame, item: tuple[Json, dict[str, Reference]]) -> Frame:
        key, variables = item
        keys = tuple(key.items()) if loop.verb == "sweep" else ((loop.variables[0], key),)
        bound = {(loop.path, name): reference for name, reference in variables.items()}
        return Frame(frame, (*frame.keys, *keys), frame.attempts, variables=bound)

    def _attempts(self, node: Attempts, frame: Frame) -> None:
        for attempt in range(1, node.at_most + 1):
            variables: dict[tuple[str, str], Reference] = {(node.path, "attempt"): Plain(attempt)}
            inner = Frame(frame, frame.keys, (*frame.attempts, attempt), variables=variables)
            self.run(node.body, inner)
            if self._true(node.until_source, inner):
                break
        else:
            if node.exhausted == "fail":
                cause = f"{node.until!r} was still false after {node.at_most} attempts"
                raise Stopped((Failure(node.path, frame.keys, frame.attempts, cause),))
        for export in node.exports:
            reference = self.resolve(export.inside, inner)
            assert reference is not None, "an output is never a default"
            frame.values[node.path, export.name] = reference

    def _branch(self, node: Branch, frame: Frame) -> None:
        taken = self._true(node.condition_source, frame)
        chosen, other = (node.then, node.orelse) if taken else (node.orelse, node.then)
        if other is not None:
            self._abandon([other], frame, f"not chosen: {node.condition!r} is {str(taken).lower()}")
        if chosen is not None:
            self.run(chosen, frame)
        for export in node.exports:
            reference = self.resolve(export.then if taken else export.otherwise, frame)
            assert reference is not None, "an output is never a default"
            frame.values[node.path, export.name] = reference

    def _true(self, source: Source, frame: Frame) -> bool:
        reference = self.resolve(source, frame)
        assert reference is not None, "a condition is provided"
        return bool(load(reference, bool, self._store))


def _key(loop: Loop, point: tuple[Json, ...]) -> Json:
    return dict(zip(loop.variables, point, strict=True)) if loop.verb == "sweep" else point[0]


def _plain(loop: Loop, point: tuple[Json, ...]) -> dict[str, Reference]:
    return {name: Plain(value) for name, value in zip(loop.variables, point, strict=True)}


def _stopped(loop: Loop, frame: Frame, cause: str) -> Stopped:
    return Stopped((Failure(loop.path, frame.keys, frame.attempts, cause),))
