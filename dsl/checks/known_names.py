from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import Problem, did_you_mean
from ..ir import Step
from ..scope import Facts


def known_names(facts: Facts) -> Iterator[Problem]:
    """Yield what `.with_`, `.reads` and `.rename` say of inputs and outputs that the step does not have."""
    for placement in facts.placements:
        step, signature = placement.step, placement.signature
        if signature.problems or step.problems:
            continue
        inputs = [parameter.name for parameter in signature.parameters]
        outputs = [name for name, _ in signature.outputs]
        yield from _unknown(step, "input", "with_", (name for name, _ in step.given), inputs)
        yield from _unknown(step, "input", "reads", (name for name, _ in step.renamed_inputs), inputs)
        yield from _unknown(step, "output", "rename", (name for name, _ in step.renamed_outputs), outputs)


def _unknown(step: Step[..., Any], what: str, method: str, names: Iterable[str], known: list[str]) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield Problem(
                f"{step.name} has no {what} {name!r}, which .{method}({name}=…) speaks of",
                step.where,
                why=f"its {what}s are: {', '.join(known) or 'none'}",
                fix=did_you_mean(name, known) or f"leave .{method}({name}=…) out",
            )
