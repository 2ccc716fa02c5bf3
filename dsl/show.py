"""The printed forms of a plan: text for people and golden files, Mermaid for pictures. JSON is the plan's own."""

from collections.abc import Iterator
from typing import assert_never

from .plan import (
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
    Plan,
    PlanNode,
    Proposed,
    Setting,
    Source,
    Variable,
)


def as_text(plan: Plan) -> str:
    """Return the plan as indented text: each step with its outputs, and under it where its inputs come from."""
    return "\n".join(_text(plan.root)) + "\n"


def source_text(source: Source) -> str:
    """Return where a value comes from, in words."""
    match source:
        case Given():
            return repr(source.value)
        case Variable():
            return f"{source.name} of {_last(source.loop)}"
        case Output():
            return f"{source.name} of {_last(source.node)}"
        case Setting():
            return f"setting {source.address}"
        case Default():
            return "its default"
        case Absent():
            return "nothing"
        case _:
            assert_never(source)


def place_text(call: Call) -> str:
    """Return where a call runs, in words.

    >>> place_text(Call("demo/fit", "fit", "m:fit", "", (), (), place="docker", place_config={"image": "r:4"}))
    'docker (image=r:4)'
    """
    said = [f"{name}={value}" for name, value in call.place_config.items() if value not in (None, "", [], {})]
    return f"{call.place} ({', '.join(said)})" if said else call.place


def _text(node: PlanNode) -> Iterator[str]:
    match node:
        case Call():
            outputs = ", ".join(f"{made.name}: {made.type}" for made in node.outputs)
            yield f"{_last(node.path)}{' -> ' if outputs else ''}{outputs}"
            if node.question:
                yield f"    held until approved: {node.question}"
            if node.place != "in_process":
                yield f"    runs in {place_text(node)}"
            if node.command:
                yield f"    command: {node.command}"
            for item in node.inputs:
                yield f"    {item.name} = {source_text(item.source)}"
        case Chain():
            if node.name:
                yield f"workflow {node.name}"
            indent = "  " if node.name else ""
            for part in node.parts:
                yield from (f"{indent}{line}" for line in _text(part))
        case Fork():
            yield "parallel"
            for branch in node.branches:
                first, *rest = _text(branch)
                yield f"  - {first}"
                yield from (f"    {line}" for line in rest)
        case Loop():
            yield f"{_last(node.path)} over {_over(node)}{_together(node)}"
            yield from (f"  {line}" for line in _text(node.body))
            yield from (f"  => {export.name}: {export.type}" for export in node.exports)
        case Attempts():
            then = "" if node.exhausted == "fail" else ", then continue"
            yield f"{_last(node.path)} until {node.until}, at most {node.at_most} times{then}"
            yield from (f"  {line}" for line in _text(node.body))
        case Branch():
            yield f"{_last(node.path)}"
            yield from (f"  {line}" for line in _text(node.then))
            if node.orelse is not None:
                yield "otherwise"
                yield from (f"  {line}" for line in _text(node.orelse))
        case _:
            assert_never(node)


def _over(loop: Loop) -> str:
    if isinstance(loop.over, Items):
        return source_text(loop.over.values)
    if isinstance(loop.over, Proposed):
        aim = ".".join(filter(None, (loop.over.objective, loop.over.metric)))
        return f"{loop.over.count} points chosen to {loop.over.direction} {aim}"
    points = [", ".join(map(repr, point)) for point in loop.over.points]
    return f"{len(points)} points: {'; '.join(points[:3])}{'; …' if len(points) > 3 else ''}"


def _together(loop: Loop) -> str:
    at_once = "" if loop.at_once is None else f", {loop.at_once} at once"
    if loop.on_failure == "fail":
        return at_once
    share = f"{loop.min_success:.0%}" if isinstance(loop.min_success, float) else str(loop.min_success)
    return f"{at_once}, going on if {share} succeed"


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def as_mermaid(plan: Plan) -> str:
    """Return the plan as a Mermaid flowchart: steps left to right, loops and decisions as boxes."""
    drawing = _Mermaid()
    drawing.draw(plan.root, "  ")
    return "\n".join(["flowchart LR", *drawing.lines, *drawing.edges]) + "\n"


class _Mermaid:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.edges: list[str] = []
        self._count = 0

    def draw(self, node: PlanNode, indent: str) -> tuple[list[str], list[str]]:
        """Draw a node; return the identifiers that edges into it and out of it touch."""
        match node:
            case Call():
                identifier = self._next()
                self.lines.append(f'{indent}{identifier}["{_escaped(_last(node.path))}"]')
                return [identifier], [identifier]
            case Chain():
                return self._chain(node, indent)
            case Fork():
                ends = [self.draw(branch, indent) for branch in node.branches]
                return [i for first, _ in ends for i in first], [i for _, last in ends for i in last]
            case Loop():
                return self._box(node, f"{_last(node.path)} over {_over(node)}", indent)
            case Attempts():
                return self._box(node, f"repeat until {node.until}, at most {node.at_most}×", indent)
            case Branch():
                return self._decision(node, indent)
            case _:
                assert_never(node)

    def _chain(self, node: Chain, indent: str) -> tuple[list[str], list[str]]:
        first: list[str] = []
        last: list[str] = []
        for part in node.parts:
            into, out = self.draw(part, indent)
            self.edges += [f"  {left} --> {right}" for left in last for right in into]
            first, last = first or into, out
        return first, last

    def _box(self, node: Loop | Attempts, title: str, indent: str) -> tuple[list[str], list[str]]:
        box = self._next()
        self.lines.append(f'{indent}subgraph {box}["{_escaped(title)}"]')
        self.draw(node.body, indent + "  ")
        self.lines.append(f"{indent}end")
        return [box], [box]

    def _decision(self, node: Branch, indent: str) -> tuple[list[str], list[str]]:
        box = self._next()
        self.lines.append(f'{indent}subgraph {box}["when {_escaped(node.condition)}"]')
        self.draw(node.then, indent + "  ")
        if node.orelse is not None:
            other = self._next()
            self.lines.append(f'{indent}  subgraph {other}["otherwise"]')
            self.draw(node.orelse, indent + "    ")
            self.lines.append(f"{indent}  end")
        self.lines.append(f"{indent}end")
        return [box], [box]

    def _next(self) -> str:
        self._count += 1
        return f"n{self._count}"


def _escaped(text: Json) -> str:
    return str(text).replace('"', "#quot;")
