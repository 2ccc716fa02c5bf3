"""What an output of a workflow comes from: a sweep that compares points by it runs no more than that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]


def needed_for(plan: Node, output: str) -> frozenset[str] | None:
    """Return the paths of the calls that lead to an output; None if the workflow has no such output.

    What decides about the end of a repetition is not among them unless it leads there anyway: a sweep runs it once.
    """
    source = next((source for name, source in plan["outputs"] if name == output), None)
    if source is None:
        return None
    nodes: dict[str, Node] = {}
    around: dict[str, tuple[Node, ...]] = {}
    _note(plan["root"], (), nodes, around)
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [source]
    while waiting:
        one = waiting.pop()
        path, name = one.get("node", one.get("loop", "")), one.get("name", "")
        if one["source"] not in ("output", "variable") or (path, name) in seen:
            continue
        seen.add((path, name))
        node = nodes[path]
        if node["node"] == "call":
            found.add(path)
        waiting += [*_before(node, name), *(inner for outer in around[path] for inner in _control(outer))]
    return frozenset(found)


def _note(node: Node, outside: tuple[Node, ...], nodes: dict[str, Node], around: dict[str, tuple[Node, ...]]) -> None:
    if "path" in node:
        nodes[node["path"]], around[node["path"]] = node, outside
    within = (*outside, node) if node["node"] in ("loop", "attempts", "branch") else outside
    children = [*node.get("parts", ()), *node.get("branches", ())]
    for child in [*children, *(node[name] for name in ("body", "then", "orelse") if node.get(name))]:
        _note(child, within, nodes, around)


def _before(node: Node, name: str) -> Iterator[Node]:
    """Yield what a node reads to make an output."""
    if node["node"] == "call":
        yield from (one["source"] for one in node["inputs"])
        return
    for export in node["exports"]:
        if export["name"] == name:
            yield from (export[part] for part in ("inside", "then", "otherwise") if part in export)
    yield from _control(node)


def _control(node: Node) -> Iterator[Node]:
    """Yield what decides whether, and for what, a node's inside runs."""
    if node["node"] == "loop" and node["over"]["over"] == "items":
        yield node["over"]["values"]
    if node["node"] == "branch":
        yield node["condition_source"]
