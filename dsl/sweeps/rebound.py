"""Let the steps of an expression read swept settings from the loop that varies them."""

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any, assert_never

from ..ir import ForEach, Node, Parallel, Repeat, Sequence, Step, When
from ..plan import Call, Setting, Variable
from .paths import path_of


def rebound(
    node: Node, calls: Mapping[str, Call], addresses: Set[str], once: Set[str] = frozenset(), path: str = ""
) -> Node:
    """Return the expression with every input that a setting of these addresses goes to reading the address.

    node: with distinct labels, which give the paths; the result has its labels as they were written.
    calls: the calls of its plan.
    once: the paths of repetitions that become a single first attempt.
    """

    def within(inner: Node, inner_path: str) -> Node:
        return rebound(inner, calls, addresses, once, inner_path)

    path = path_of(node, path)
    match node:
        case Step():
            return _step(node, calls[path], addresses, once)
        case Sequence():
            return replace(node, parts=tuple(within(part, path) for part in node.parts), label=_written(node.label))
        case Parallel():
            return replace(node, branches=tuple(within(branch, path) for branch in node.branches))
        case Repeat() if path in once:
            return within(node.body, path)
        case ForEach() | Repeat():
            return replace(node, body=within(node.body, path), label=_written(node.label))
        case When():
            then = within(node.then, path)
            orelse = None if node.orelse is None else within(node.orelse, f"{path}/otherwise")
            return replace(node, then=then, orelse=orelse, label=_written(node.label))
        case _:
            assert_never(node)


def _step(step: Step[..., Any], call: Call, addresses: Set[str], once: Set[str]) -> Step[..., Any]:
    reads = dict(step.renamed_inputs)
    given: list[tuple[str, object]] = list(step.given)
    for item in call.inputs:
        match item.source:
            case Setting(address) if address in addresses:
                reads[item.name] = address
            case Variable(loop) if loop in once:
                given.append((item.name, 1))
                reads.pop(item.name, None)
            case _:
                pass
    return replace(step, renamed_inputs=tuple(reads.items()), given=tuple(given))


def _written(label: str) -> str:
    return label.partition("#")[0]
