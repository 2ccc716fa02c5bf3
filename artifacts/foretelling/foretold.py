"""Which steps of a workflow would run with these settings, and which are skipped, since the store has their outputs.

A key is followed as far as it is known: what is skipped has outputs, whose digests are part of the next keys. What
depends on something that runs is not known; it is told apart from others, so that what points of a sweep share is
counted once.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ..contents import contents_within
from ..digest import Digest, digest_value
from ..key import step_key
from ..records import Committed
from ..store import Store
from .known import Joined, Known, Plain, Scope, Stored, Unknown, digest_of, entries_of, is_unknown, value_of

Node: TypeAlias = Mapping[str, Any]
"""A node of a plan's JSON."""
Found: TypeAlias = Mapping[Digest, Committed]
Looking: TypeAlias = Generator[list[Digest], Found, None]
"""Yields the keys to be looked up, and is sent what the store has under them."""

ITEMS = 200
"""Items of one loop that are looked at; of more, as many that are evenly spread."""
FILE_BYTES = 64 << 20
"""Bytes of files up to which a setting that names them is followed."""


@dataclass(slots=True)
class Tally:
    """What would become of a step, over the items, attempts and points that were looked at."""

    path: str
    step: str
    runs: int = 0
    """Calls that nothing is stored for."""
    skips: int = 0
    """Calls whose outputs are in the store."""
    depends: int = 0
    """Calls that depend on something that runs: most of them run too."""
    repeats: int = 0
    """Calls that are the same as another one that runs: they find what that one makes."""
    perhaps: bool = False
    """Whether more calls may come, as many as something that runs decides."""
    why: str = ""
    """Why it would run though its outputs are there, if it would."""

    @property
    def said(self) -> str:
        """What would become of it, in one word."""
        if self.runs or self.depends or self.perhaps:
            return "some skipped" if self.skips else "runs"
        return "skipped" if self.skips or self.repeats else "not reached"


@dataclass(slots=True)
class Foretold:
    """What a run, or the points of a sweep, would do."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    """By plan path, in the order of the plan."""
    points: int = 1
    """Points that were looked at."""
    of_points: int = 1
    """Points that there are."""
    sampled: bool = False
    """Whether some loop was too wide to be looked at as a whole."""


def foretell(
    store: Store,
    plan: Node,
    settings: Iterable[Mapping[str, Any]],
    *,
    facts: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    of_points: int | None = None,
) -> Foretold:
    """Return what runs of the workflow with each of these settings would do, the later ones knowing of the earlier.

    plan: as JSON; settings: complete, by address, one for each point; facts: what the plan leaves out, as the store
    keeps it of a registered workflow; folder: from which relative paths are seen; of_points: of how many points these
    are some.
    """
    told = Foretold()
    for node in walked(plan["root"]):
        if node["node"] == "call":
            told.tallies[node["path"]] = Tally(node["path"], node["step"])
    teller = _Teller(store, told, facts or {}, folder or Path())
    runs = [_of_one(teller, plan["root"], values) for values in settings]
    told.points, told.of_points = len(runs), of_points or len(runs)
    _driven(teller.together(runs), store)
    return told


def walked(node: Node) -> Iterator[Node]:
    """Yield the node and all it encloses, in the order of the plan."""
    yield node
    inner = [*node.get("parts", ()), *node.get("branches", ())]
    inner += [node[name] for name in ("body", "then", "orelse") if node.get(name)]
    for one in inner:
        yield from walked(one)


def _of_one(teller: _Teller, root: Node, settings: Mapping[str, Any]) -> Looking:
    return _Walk(teller, settings).look(root, Scope())


def _driven(looking: Looking, store: Store) -> None:
    try:
        wanted = next(looking)
        while True:
            wanted = looking.send(store.committed(wanted))
    except StopIteration:
        pass


@dataclass(slots=True)
class _Teller:
    """What all points share."""

    store: Store
    told: Foretold
    facts: Mapping[str, Any]
    folder: Path
    made: set[Digest] = field(default_factory=set)
    """Keys of what would have been made by then."""
    contents: dict[str, Digest | None] = field(default_factory=dict)

    def together(self, lookings: Sequence[Looking]) -> Looking:
        """Look at things side by side, so that their keys are looked up at once."""
        waiting: list[tuple[Looking, list[Digest]]] = []
        for looking in lookings:
            self._on(waiting, looking, None)
        while waiting:
            found = yield [key for _, wanted in waiting for key in wanted]
            before, waiting = waiting, []
            for looking, _ in before:
                self._on(waiting, looking, found)

    def _on(self, waiting: list[tuple[Looking, list[Digest]]], looking: Looking, found: Found | None) -> None:
        with suppress(StopIteration):
            waiting.append((looking, next(looking) if found is None else looking.send(found)))

    def content(self, value: Any) -> Digest | None:
        """Return the digest of the files that a setting names; None if they are too large to be read now."""
        name = str(value)
        if name not in self.contents:
            self.contents[name] = contents_within(Path(name), self.folder, FILE_BYTES)
        return self.contents[name]


@dataclass(slots=True)
class _Walk:
    """Goes through a plan with the settings of one point."""

    teller: _Teller
    settings: Mapping[str, Any]

    def look(self, node: Node, scope: Scope) -> Looking:
        """Look at a node; what it would hand on is in the scope afterwards."""
        match node["node"]:
            case "call":
                yield from self._call(node, scope)
            case "chain":
                for part in node["parts"]:
                    yield from self.look(part, scope)
            case "fork":
                yield from self.teller.together([self.look(branch, scope) for branch in node["branches"]])
            case "loop":
                yield from self._loop(node, scope)
            case "attempts":
                yield from self._attempts(node, scope)
            case "branch":
                yield from self._branch(node, scope)

    def _known(self, source: Node, scope: Scope) -> Known | None:
        """Return what is known of a source; None for an input that is left to the function's default."""
        match source["source"]:
            case "given":
                return Plain(source["value"])
            case "setting":
                return Plain(self.settings.get(source["address"]))
            case "variable":
                return scope.variable(source["loop"], source["name"])
            case "output":
                return scope.output(source["node"], source["name"])
            case "absent":
                return Plain(None)
        return None

    def _call(self, call: Node, scope: Scope) -> Looking:
        tally = self.teller.told.tallies[call["path"]]
        known = {one["name"]: self._known(one["source"], scope) for one in call["inputs"]}
        inputs = {name: value for name, value in known.items() if value is not None}
        key, sure = self._key(call, inputs)
        always = self.teller.facts.get("always", {}).get(call["path"], "")
        committed = (yield [key]).get(key) if sure and not always else None
        if committed is not None:
            tally.skips += 1
            scope.values.update({(call["path"], name): Stored(made) for name, made in committed.items()})
            return
        if key in self.teller.made and not always:
            tally.repeats += 1
        elif sure or always:
            tally.runs += 1
            tally.why = always
        else:
            tally.depends += 1
        self.teller.made.add(key)
        for output in call["outputs"]:
            scope.values[call["path"], output["name"]] = Unknown(digest_value([key, output["name"]]))

    def _key(self, call: Node, inputs: Mapping[str, Known]) -> tuple[Digest, bool]:
        """Return the key of a call, and whether it is the one that a run would have."""
        sure = not any(is_unknown(value) for value in inputs.values())
        files = self.teller.facts.get("files", {}).get(call["path"], ())
        made = {"return": digest_value([[output["name"], output["type"]] for output in call["outputs"]])}
        plain: dict[str, Any] = {}
        for name, value in inputs.items():
            if not isinstance(value, Plain):
                made[name] = digest_of(value)
            elif name in files and value.value is not None:
                content = self.teller.content(value.value)
                sure = sure and content is not None
                plain[name] = content if content is not None else value.value
            else:
                plain[name] = value.value
        return step_key(step=call["function"], code=Digest(call["code"]), settings=plain, inputs=made), sure

    def _loop(self, loop: Node, scope: Scope) -> Looking:
        items = self._items(loop, scope)
        if items is None:
            self._unsure(loop["body"], loop, scope)
            return
        chosen = items
        if len(items) > ITEMS:
            self.teller.told.sampled = True
            chosen = [items[place * len(items) // ITEMS] for place in range(ITEMS)]
        inner = [Scope(scope, variables={(loop["path"], n): v for n, v in bound.items()}) for _, bound in chosen]
        yield from self.teller.together([self.look(loop["body"], one) for one in inner])
        if loop["verb"] == "sweep":
            scope.values[loop["path"], "sweep_points"] = Plain([key for key, _ in items])
        whole = len(chosen) == len(items)
        for export in loop["exports"]:
            handed = tuple((key, self._made(export["inside"], s)) for (key, _), s in zip(chosen, inner, strict=True))
            joined = Joined(handed)
            scope.values[loop["path"], export["name"]] = joined if whole else Unknown(digest_of(joined))

    def _made(self, source: Node, scope: Scope) -> Known:
        known = self._known(source, scope)
        return Plain(None) if known is None else known

    def _items(self, loop: Node, scope: Scope) -> list[tuple[Any, dict[str, Known]]] | None:
        """Return key and variables of each item; None if they are not known."""
        over, names = loop["over"], loop["variables"]
        if over["over"] == "listed":
            points = [dict(zip(names, point, strict=True)) for point in over["points"]]
            keys = points if loop["verb"] == "sweep" else [point[0] for point in over["points"]]
            bound: list[dict[str, Known]] = [{name: Plain(value) for name, value in point.items()} for point in points]
            return list(zip(keys, bound, strict=True))
        if over["over"] == "proposed":
            return None
        entries = entries_of(self._made(over["values"], scope), self.teller.store)
        if entries is None or not over["mapping"]:
            return None if entries is None else [(key, {names[0]: item}) for key, item in entries]
        return [(key, {names[0]: item, f"{names[0]}_key": Plain(key)}) for key, item in entries]

    def _unsure(self, body: Node, node: Node, scope: Scope) -> None:
        """Note that a body may run, as often as something that runs decides; what it hands on is unknown."""
        read: list[str] = []
        for inner in walked(body):
            if inner["node"] == "call":
                self.teller.told.tallies[inner["path"]].perhaps = True
                read += [digest_of(self._made(one["source"], scope)) for one in inner["inputs"]]
        for name in [export["name"] for export in node["exports"]] + ["sweep_points"]:
            scope.values[node["path"], name] = Unknown(digest_value(["unsure", node["path"], name, read]))

    def _attempts(self, node: Node, scope: Scope) -> Looking:
        inner = scope
        for attempt in range(1, node["at_most"] + 1):
            inner = Scope(scope, variables={(node["path"], "attempt"): Plain(attempt)})
            yield from self.look(node["body"], inner)
            ended = self._made(node["until_source"], inner)
            if is_unknown(ended):
                if attempt < node["at_most"]:
                    self._unsure(node["body"], node, scope)
                    return
                break
            if value_of(ended, self.teller.store):
                break
        for export in node["exports"]:
            scope.values[node["path"], export["name"]] = self._made(export["inside"], inner)

    def _branch(self, node: Node, scope: Scope) -> Looking:
        condition = self._made(node["condition_source"], scope)
        if is_unknown(condition):
            for body in (node["then"], node["orelse"]):
                if body is not None:
                    self._unsure(body, node, scope)
            return
        taken = bool(value_of(condition, self.teller.store))
        chosen = node["then"] if taken else node["orelse"]
        if chosen is not None:
            yield from self.look(chosen, scope)
        for export in node["exports"]:
            scope.values[node["path"], export["name"]] = self._made(export["then" if taken else "otherwise"], scope)
