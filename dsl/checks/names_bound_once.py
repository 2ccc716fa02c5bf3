from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..errors import Problem
from ..ir import Step
from ..scope import Facts, LoopFact


def names_bound_once(facts: Facts) -> Iterator[Problem]:
    """Yield names that are bound twice where only one value can stand."""
    for placement in facts.placements:
        yield from _inputs(placement.step)
        yield from _outputs(placement.step, [name for name, _ in placement.signature.outputs])
    for loop in facts.loops:
        yield from _variables(loop)
    for repeat in facts.repeats:
        if "attempt" in repeat.provided:
            offer = repeat.provided["attempt"]
            yield Problem(
                "the name 'attempt' is bound twice",
                offer.where,
                why=f"{offer.by} provides it, and inside {repeat.node.label} it is the number of the attempt",
                fix='rename the output: .rename(attempt="…")',
            )


def _inputs(step: Step[..., Any]) -> Iterator[Problem]:
    given = [name for name, _ in (*step.given, *step.renamed_inputs)]
    for name in _twice(given):
        yield Problem(
            f"the input {name!r} of {step.name} is bound twice",
            step.where,
            why="one input has one value",
            fix=f"keep one of .with_({name}=…) and .reads({name}=…)",
        )


def _outputs(step: Step[..., Any], outputs: list[str]) -> Iterator[Problem]:
    for name in _twice([name for name, _ in step.renamed_outputs]):
        yield Problem(
            f"the output {name!r} of {step.name} is renamed twice",
            step.where,
            why="one output has one name",
            fix=f"keep one of its .rename({name}=…)",
        )
    names = dict(step.renamed_outputs)
    for name in _twice([names.get(output, output) for output in outputs]):
        yield Problem(
            f"{step.name} would provide {name!r} twice",
            step.where,
            why=f"its outputs are: {', '.join(outputs)}",
            fix="rename to distinct names",
        )


def _variables(loop: LoopFact) -> Iterator[Problem]:
    for name, outer in loop.enclosing.items():
        yield Problem(
            f"the name {name!r} is bound twice: the enclosing loop binds it too",
            loop.node.where,
            why=f"it was bound at {outer.where}",
            fix=f'give the inner variable another name, and let its steps read it: .reads({name}="…")',
        )
    for name in loop.provided.keys() & set(loop.node.variables):
        offer = loop.provided[name]
        yield Problem(
            f"the name {name!r} is bound twice: {offer.by} provides it inside the loop that binds it",
            offer.where,
            why=f"inside {loop.node.label} it stands for the loop's item",
            fix=f'rename the output: {offer.by}.rename({name}="…")',
        )


def _twice(names: list[str]) -> list[str]:
    if len(set(names)) == len(names):  # as nearly always, and a Counter takes its time
        return []
    return [name for name, count in Counter(names).items() if count > 1]
