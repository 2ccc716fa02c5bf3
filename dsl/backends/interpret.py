"""Interpret a plan: what order things run in, what each loop, repetition and decision does, what follows a failure.

The interpreter touches nothing but the store, which it reads: it yields what is to be done, one effect after the other,
and is sent what came of it. `conduct.drive` does that by a Conductor of a backend; a shard drives many items at once.
"""

import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from kaon.artifacts import Store

from ..bind import SWEEP_POINTS
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
    Proposed,
    Setting,
    Source,
    Variable,
    walk,
)
from ..sampling import measured, sampler_of
from .effects import Abandon, Each, Effect, Effects, HandedOn, Invocation, Item, Run, Together
from .failures import Failure, Stopped
from .frame import Frame
from .references import Joined, Plain, Reference, Stored, artifacts, load


@dataclass(slots=True)
class Interpreter:
    """Interprets a plan's nodes, given its settings and a store to read items and conditions from."""

    settings: Mapping[str, Json]
    store: Store
    tolerated: list[Failure] = field(default_factory=list)
    """What failed inside loops that go on."""

    def run(self, node: PlanNode, frame: Frame) -> Effects:
        """Yield what running a node takes; its outputs are in the frame afterwards.

        Raises Stopped with every failure inside, once nothing inside runs any more.
        """
        match node:
            case Call():
                return self._call(node, frame)
            case Chain():
                return self._chain(node, frame)
            case Fork():
                return self._fork(node, frame)
            case Loop():
                return self._loop(node, frame)
            case Attempts():
                return self._attempts(node, frame)
            case Branch():
                return self._branch(node, frame)
            case _:
                assert_never(node)

    def item_frame(self, loop: Loop, frame: Frame, item: Item) -> Frame:
        """Return the frame of one item of a loop."""
        keys = tuple(item.key.items()) if loop.verb == "sweep" else ((loop.variables[0], item.key),)
        bound = {(loop.path, name): reference for name, reference in item.variables.items()}
        return Frame(frame, (*frame.keys, *keys), frame.attempts, variables=bound)

    def handed_on(self, loop: Loop, frame: Frame) -> HandedOn:
        """Return what an item that has ended hands on, in the order of the loop's exports."""
        return tuple(self.provided(export.inside, frame) for export in loop.exports)

    def resolve(self, source: Source, frame: Frame) -> Reference | None:
        """Return what a source stands for; None for an input that is left to the function's default."""
        match source:
            case Given(value=value):
                return Plain(value)
            case Setting(address=address):
                return Plain(self.settings[address])
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

    def provided(self, source: Source, frame: Frame) -> Reference:
        """Return what a source that is no default stands for."""
        reference = self.resolve(source, frame)
        assert reference is not None, "only an input can be left to a default"
        return reference

    def _call(self, call: Call, frame: Frame) -> Effects:
        resolved = {item.name: self.resolve(item.source, frame) for item in call.inputs}
        inputs = {name: reference for name, reference in resolved.items() if reference is not None}
        outputs = yield Run(Invocation(call, frame.keys, frame.attempts, inputs))
        for name, reference in outputs.items():
            frame.values[call.path, name] = reference

    def _chain(self, node: Chain, frame: Frame) -> Effects:
        for index, part in enumerate(node.parts):
            try:
                yield from self.run(part, frame)
            except Stopped as stopped:
                if stopped.failures:
                    reason = f"not run: {stopped.failures[0].path} failed"
                    yield _abandoned(node.parts[index + 1 :], frame, reason)
                raise

    def _fork(self, node: Fork, frame: Frame) -> Effects:
        stopped = yield Together(tuple(self.run(branch, frame) for branch in node.branches))
        _raise_all(stopped)

    def _loop(self, loop: Loop, frame: Frame) -> Effects:
        if isinstance(loop.over, Proposed):
            items, ended = yield from self._proposed(loop, loop.over, frame)
        else:
            items = self._items(loop, frame)
            ended = yield Each(loop, frame, items)
        stopped = [end for end in ended if isinstance(end, Stopped)]
        if stopped and (loop.on_failure == "fail" or any(not end.failures for end in stopped)):
            _raise_all(stopped)
        if stopped:
            self._tolerate(loop, frame, stopped, len(items))
        done = [(item.key, end) for item, end in zip(items, ended, strict=True) if not isinstance(end, Stopped)]
        if loop.verb == "sweep":
            frame.values[loop.path, SWEEP_POINTS] = Plain([item.key for item in items])
        for place, export in enumerate(loop.exports):
            frame.values[loop.path, export.name] = Joined(tuple((key, references[place]) for key, references in done))

    def _tolerate(self, loop: Loop, frame: Frame, stopped: Sequence[Stopped], count: int) -> None:
        """Go on without the items that stopped, if enough are left."""
        failures = tuple(failure for end in stopped for failure in end.failures)
        succeeded = count - len(stopped)
        wanted = loop.min_success * count if isinstance(loop.min_success, float) else loop.min_success
        if succeeded < wanted:
            share = f"{loop.min_success:.0%}" if isinstance(loop.min_success, float) else str(loop.min_success)
            cause = f"{succeeded} of {count} items succeeded, and min_success asks for {share}"
            raise Stopped((Failure(loop.path, frame.keys, frame.attempts, cause), *failures))
        self.tolerated.extend(failures)

    def _proposed(
        self, loop: Loop, over: Proposed, frame: Frame
    ) -> Generator[Effect, Any, tuple[list[Item], list[HandedOn | Stopped]]]:
        """Run the points of a sampler, batch after batch, telling it what came of each."""
        sampler = sampler_of(over)
        items: list[Item] = []
        ended: list[HandedOn | Stopped] = []
        names = [export.name for export in loop.exports]
        while len(items) < over.count:
            points = sampler.ask(min(over.batch, over.count - len(items)))
            if not points:  # every point of the space has been asked for
                break
            batch = [Item(point, {name: Plain(point[name]) for name in loop.variables}) for point in points]
            found = yield Each(loop, frame, batch)
            for point, end in zip(points, found, strict=True):
                value = None
                if not isinstance(end, Stopped):
                    value = self._measured(loop, end[names.index(over.objective)], over.metric, frame)
                sampler.tell(point, value)
            items += batch
            ended += found
        return items, ended

    def _measured(self, loop: Loop, reference: Reference, metric: str, frame: Frame) -> float:
        try:
            return measured(load(reference, Any, self.store), metric)
        except ValueError as error:
            raise _stopped(loop, frame, str(error)) from None

    def _items(self, loop: Loop, frame: Frame) -> list[Item]:
        assert not isinstance(loop.over, Proposed), "a sampler's points are asked for as results come"
        if not isinstance(loop.over, Items):
            return [Item(_key(loop, point), _plain(loop, point)) for point in loop.over.points]
        (variable, *_) = loop.variables
        entries = self._entries(loop, self.provided(loop.over.values, frame), frame)
        if loop.over.mapping:
            return [Item(key, {variable: item, f"{variable}_key": Plain(key)}) for key, item in entries]
        return [Item(key, {variable: item}) for key, item in entries]

    def _entries(self, loop: Loop, reference: Reference, frame: Frame) -> list[tuple[Json, Reference]]:
        if isinstance(reference, Joined):
            return list(reference.items)
        value = self.store.get(reference.artifact, Any) if isinstance(reference, Stored) else reference.value
        whole = artifacts(reference)
        if isinstance(value, Mapping):
            return [(key, Plain(item, whole)) for key, item in value.items()]
        if not isinstance(value, list | tuple):
            shown = repr(value)[:80]
            raise _stopped(loop, frame, f"{loop.verb} needs a list or a mapping and got {shown}")
        twice = _twice(value)
        if twice:
            cause = f"{twice[0]!r} stands twice in the items of the loop, and they are its keys; make them distinct"
            raise _stopped(loop, frame, cause)
        return [(item, Plain(item, whole)) for item in value]

    def _attempts(self, node: Attempts, frame: Frame) -> Effects:
        for attempt in range(1, node.at_most + 1):
            variables: dict[tuple[str, str], Reference] = {(node.path, "attempt"): Plain(attempt)}
            inner = Frame(frame, frame.keys, (*frame.attempts, attempt), variables=variables)
            yield from self.run(node.body, inner)
            if self._true(node.until_source, inner):
                break
        else:
            if node.exhausted == "fail":
                cause = f"{node.until!r} was still false after {node.at_most} attempts"
                raise Stopped((Failure(node.path, frame.keys, frame.attempts, cause),))
        for export in node.exports:
            frame.values[node.path, export.name] = self.provided(export.inside, inner)

    def _branch(self, node: Branch, frame: Frame) -> Effects:
        taken = self._true(node.condition_source, frame)
        chosen, other = (node.then, node.orelse) if taken else (node.orelse, node.then)
        if other is not None:
            yield _abandoned([other], frame, f"not chosen: {node.condition!r} is {str(taken).lower()}")
        if chosen is not None:
            yield from self.run(chosen, frame)
        for export in node.exports:
            frame.values[node.path, export.name] = self.provided(export.then if taken else export.otherwise, frame)

    def _true(self, source: Source, frame: Frame) -> bool:
        return bool(load(self.provided(source, frame), bool, self.store))


def _raise_all(stopped: Iterable[Stopped | None]) -> None:
    """Raise everything that stopped as one, if anything did."""
    found = [end for end in stopped if end is not None]
    if found:
        raise Stopped(
            tuple(failure for end in found for failure in end.failures),
            tuple(held for end in found for held in end.held),
        )


def _abandoned(nodes: Sequence[PlanNode], frame: Frame, reason: str) -> Abandon:
    calls = tuple(inner for node in nodes for inner in walk(node) if isinstance(inner, Call))
    return Abandon(calls, frame, reason)


def _twice(items: Sequence[Json]) -> list[Json]:
    """Return an item that stands twice, if one does; equal numbers are one key, whatever their type."""
    seen = set()
    for item in items:
        known = json.dumps(item, sort_keys=True) if isinstance(item, list | dict) else item
        if known in seen:
            return [item]
        seen.add(known)
    return []


def _key(loop: Loop, point: tuple[Json, ...]) -> Json:
    return dict(zip(loop.variables, point, strict=True)) if loop.verb == "sweep" else point[0]


def _plain(loop: Loop, point: tuple[Json, ...]) -> dict[str, Reference]:
    return {name: Plain(value) for name, value in zip(loop.variables, point, strict=True)}


def _stopped(loop: Loop, frame: Frame, cause: str) -> Stopped:
    return Stopped((Failure(loop.path, frame.keys, frame.attempts, cause),))
