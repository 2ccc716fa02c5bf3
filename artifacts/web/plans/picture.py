"""A plan laid out as a picture: sequences left to right, branches stacked, loops, repetitions and decisions as boxes.

Only sizes and places are decided here; how each part stands is put in when the picture is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .nodes import Node, children

STEP_WIDTH, STEP_HEIGHT = 180.0, 52.0
GAP = 30.0
"""Between two parts of a sequence."""
FAN = 30.0
"""Beside branches, for the lines that fan out and join."""
STACK = 14.0
"""Between two branches."""
PAD = 16.0
TITLE = 46.0
"""Height of a box's title, with its counts."""
EDGE = 8.0
"""Around the whole picture."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step's place."""

    path: str
    x: float
    y: float
    width: float = STEP_WIDTH
    height: float = STEP_HEIGHT


@dataclass(frozen=True, slots=True)
class Box:
    """The place of a loop, repetition, decision or nested workflow; `path` is empty for the last."""

    path: str
    kind: str
    title: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line from one part to the next."""

    x1: float
    y1: float
    x2: float
    y2: float
    arrow: bool

    @property
    def curve(self) -> str:
        """The line as SVG draws it."""
        if abs(self.y1 - self.y2) < 0.5:
            return f"M{self.x1:g} {self.y1:g}H{self.x2:g}"
        middle = (self.x1 + self.x2) / 2
        return f"M{self.x1:g} {self.y1:g}C{middle:g} {self.y1:g} {middle:g} {self.y2:g} {self.x2:g} {self.y2:g}"


@dataclass(frozen=True, slots=True)
class Note:
    """A word beside a branch of a decision."""

    text: str
    x: float
    y: float


@dataclass(slots=True)
class Picture:
    """What is drawn: boxes first, the outer before the inner; then lines, then steps."""

    width: float = 0.0
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Size:
    width: float
    above: float
    """Height above the line that enters and leaves."""
    below: float


def picture_of(root: Node) -> Picture:
    """Return the picture of a plan.

    >>> parts = [{"node": "call", "path": "f/a"}, {"node": "call", "path": "f/b"}]
    >>> [(step.path, step.x) for step in picture_of({"node": "chain", "parts": parts}).steps]
    [('f/a', 8.0), ('f/b', 218.0)]
    """
    root = {**root, "name": ""} if root["node"] == "chain" else root  # the page names the workflow
    size = _size(root)
    picture = Picture(size.width + 2 * EDGE, size.above + size.below + 2 * EDGE)
    _place(picture, root, EDGE, EDGE + size.above)
    return picture


def _size(node: Node) -> _Size:
    match node["node"]:
        case "call":
            return _Size(STEP_WIDTH, STEP_HEIGHT / 2, STEP_HEIGHT / 2)
        case "chain" if not node.get("name"):
            sizes = [_size(part) for part in children(node)]
            width = sum(size.width for size in sizes) + GAP * max(len(sizes) - 1, 0)
            above = max((size.above for size in sizes), default=0.0)
            return _Size(width, above, max((size.below for size in sizes), default=0.0))
        case "fork":
            return _stacked([_size(branch) for branch in children(node)], 2 * FAN)
        case "branch":
            inner = _stacked([_size(branch) for branch in children(node)], 2 * FAN + PAD)
            return _framed(inner)
        case "chain":
            return _framed(_size({**node, "name": ""}))
        case _:
            return _framed(_size(node["body"]))


def _stacked(sizes: list[_Size], beside: float) -> _Size:
    height = sum(size.above + size.below for size in sizes) + STACK * max(len(sizes) - 1, 0)
    width = max((size.width for size in sizes), default=0.0)
    return _Size(width + beside, height / 2, height / 2)


def _framed(inner: _Size) -> _Size:
    return _Size(inner.width + 2 * PAD, inner.above + TITLE, inner.below + PAD)


def _place(picture: Picture, node: Node, x: float, middle: float) -> None:
    """Place a node whose left edge is x, and whose line enters and leaves at the height `middle`."""
    match node["node"]:
        case "call":
            picture.steps.append(Step(node["path"], x, middle - STEP_HEIGHT / 2))
        case "chain" if not node.get("name"):
            _chain(picture, node, x, middle)
        case "fork":
            _branches(picture, node, x, middle, _size(node), FAN)
        case _:
            _frame(picture, node, x, middle)


def _chain(picture: Picture, node: Node, x: float, middle: float) -> None:
    parts = children(node)
    for place, part in enumerate(parts):
        if place:
            fans = part["node"] == "fork"  # its own lines end in arrows
            picture.lines.append(Line(x - GAP, middle, x, middle, arrow=not fans))
        _place(picture, part, x, middle)
        x += _size(part).width + GAP


def _branches(picture: Picture, node: Node, x: float, middle: float, size: _Size, fan: float) -> None:
    top = middle - size.above
    for branch in children(node):
        inner = _size(branch)
        at = top + inner.above
        picture.lines.append(Line(x, middle, x + fan, at, arrow=True))
        _place(picture, branch, x + fan, at)
        join = x + size.width - FAN
        if join > x + fan + inner.width:
            picture.lines.append(Line(x + fan + inner.width, at, join, at, arrow=False))
        picture.lines.append(Line(join, at, x + size.width, middle, arrow=False))
        top = at + inner.below + STACK


def _frame(picture: Picture, node: Node, x: float, middle: float) -> None:
    size = _size(node)
    kind, title = title_of(node)
    top = middle - size.above
    box = Box(node.get("path", ""), kind, title, x, top, size.width, size.above + size.below)
    picture.boxes.append(box)
    if node["node"] == "branch":
        inner = _Size(size.width - 2 * PAD, size.above - TITLE, size.below - PAD)
        _branches(picture, node, x + PAD, middle, inner, FAN + PAD)
        below = top + TITLE
        for name, branch in zip(("yes", "no"), children(node), strict=False):
            branch_size = _size(branch)
            picture.notes.append(Note(name, x + PAD + 12, below + branch_size.above - 7))
            below += branch_size.above + branch_size.below + STACK
        return
    body = {**node, "name": ""} if node["node"] == "chain" else node["body"]
    picture.lines.append(Line(x, middle, x + PAD, middle, arrow=body["node"] not in ("fork", "chain")))
    _place(picture, body, x + PAD, middle)
    picture.lines.append(Line(x + size.width - PAD, middle, x + size.width, middle, arrow=False))


def title_of(node: Node) -> tuple[str, str]:
    """Return what kind of box a node is, and its title.

    >>> title_of({"node": "loop", "verb": "for_each", "variables": ["market"]})
    ('loop', 'for each market')
    """
    match node["node"]:
        case "loop":
            return "loop", f"{node['verb'].replace('_', ' ')} {', '.join(node['variables'])}"
        case "attempts":
            return "repeat", f"repeat until {node['until']}"
        case "branch":
            return "decision", f"when {node['condition']}"
        case _:
            return "workflow", str(node.get("name", ""))
