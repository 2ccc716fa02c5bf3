"""The nodes of a plan, read from its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Node: TypeAlias = Mapping[str, Any]
"""A node of the plan's JSON; its field `node` says what it is: call, chain, fork, loop, attempts or branch."""


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """A plan, and what pages ask of it."""

    root: Node
    doc: str
    defaults: Mapping[str, Any]
    """Settings that have a default, by address."""
    calls: Mapping[str, Node]
    """Steps by plan path, in the order of the plan."""
    boxes: Mapping[str, Node]
    """Loops, repetitions and decisions by plan path."""
    around: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For every path, the loops and repetitions around it, outermost first."""

    def directly_in(self, path: str) -> tuple[str, ...]:
        """Return the paths of the steps of a loop or repetition that are in no loop or repetition inside it."""
        return tuple(call for call in self.calls if self.around[call][-1:] == (path,))

    def outside_of_loops(self) -> tuple[str, ...]:
        """Return the paths of the steps that no loop repeats for items."""
        loops = {path for path, node in self.boxes.items() if node["node"] == "loop"}
        return tuple(call for call in self.calls if not loops.intersection(self.around[call]))


def facts_of(plan: str) -> PlanFacts:
    """Return a plan from its JSON; an empty one where it is no plan, so that a run can be shown all the same."""
    try:
        return _facts(json.loads(plan))
    except (ValueError, KeyError, TypeError, AttributeError):
        return PlanFacts({"node": "chain", "parts": [], "name": ""}, "", {}, {}, {})


def _facts(read: Mapping[str, Any]) -> PlanFacts:
    root = read["root"]
    calls: dict[str, Node] = {}
    boxes: dict[str, Node] = {}
    around: dict[str, tuple[str, ...]] = {}
    for node, enclosing in _walk(root, ()):
        if "path" in node:
            (calls if node["node"] == "call" else boxes)[node["path"]] = node
            around[node["path"]] = enclosing
    return PlanFacts(root, read.get("doc", ""), defaults_of(read.get("settings", {})), calls, boxes, around)


def defaults_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of a settings schema by address.

    >>> defaults_of({"properties": {"seed": {"default": 0}, "train": {"$ref": "#/$defs/train"}},
    ...              "$defs": {"train": {"properties": {"rank": {"default": 8}, "name": {}}}}})
    {'seed': 0, 'train.rank': 8}
    """
    found: dict[str, Any] = {}
    for name, about in schema.get("properties", {}).items():
        if "default" in about:
            found[name] = about["default"]
        for field_name, field_about in _referred(schema, about).get("properties", {}).items():
            if "default" in field_about:
                found[f"{name}.{field_name}"] = field_about["default"]
    return found


def _referred(schema: Mapping[str, Any], about: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = about.get("$ref", "")
    named: Mapping[str, Any] = schema.get("$defs", {}).get(str(reference).rpartition("/")[2], about)
    return named


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly inside a node."""
    match node["node"]:
        case "chain":
            return tuple(node["parts"])
        case "fork":
            return tuple(node["branches"])
        case "loop" | "attempts":
            return (node["body"],)
        case "branch":
            return (node["then"],) if node.get("orelse") is None else (node["then"], node["orelse"])
        case _:
            return ()


def _walk(node: Node, around: tuple[str, ...]) -> Iterator[tuple[Node, tuple[str, ...]]]:
    yield node, around
    inside = (*around, node["path"]) if node["node"] in ("loop", "attempts") else around
    for child in children(node):
        yield from _walk(child, inside)


def calls_in(node: Node) -> Iterator[str]:
    """Yield the paths of the steps inside a node."""
    if node["node"] == "call":
        yield node["path"]
    for child in children(node):
        yield from calls_in(child)
