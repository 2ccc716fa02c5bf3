from collections.abc import Iterator

from ..errors import Problem
from ..scope import Facts, LoopFact


def variables_read(facts: Facts) -> Iterator[Problem]:
    """Yield loop variables that no step reads, so that every item would compute the same."""
    for loop in facts.loops:
        if loop.body_doubted or loop.node.problems:
            continue
        for name in _unread(loop):
            if _hidden(name, loop, facts):
                continue
            known = ", ".join(sorted({r.name for r in facts.reads})) or "none"
            yield Problem(
                f"{loop.node.verb} varies {name!r}, and no step inside reads it",
                loop.node.where,
                why=f"every item would compute the same; the steps read: {known}",
                fix=f'give a step inside an input {name!r}, or let one read it: .reads(its_input="{name}")',
            )


def _hidden(name: str, loop: LoopFact, facts: Facts) -> bool:
    """Return whether a loop inside binds the name again, which is a mistake of its own."""
    return any(name in other.enclosing and other.enclosing[name].where == loop.node.where for other in facts.loops)


def _unread(loop: LoopFact) -> list[str]:
    if loop.node.verb == "cross_validate":
        return [] if loop.read else ["fold"]
    if loop.read & {f"{name}_key" for name in loop.node.variables}:
        return []
    return [name for name in loop.node.variables if name not in loop.read]
