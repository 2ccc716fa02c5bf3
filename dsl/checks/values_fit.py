from collections.abc import Iterator, Mapping
from typing import TypeAlias

from ..errors import Problem, did_you_mean
from ..fit import shown
from ..ir import ForEach, Points, Proposed, Sequence
from ..passes.rebuild import nodes
from ..plan import Variable
from ..scope import Facts, Read
from ..values import annotation_of, from_json, is_plain, to_json
from ..where import Where

LoopVariable: TypeAlias = tuple[Where, str, str]
"""Where its loop was written, the loop's label, and its name; a loop in a workflow that is nested twice is one loop."""


def values_fit(facts: Facts) -> Iterator[Problem]:
    """Yield values written in the expression that do not fit the inputs they are given to."""
    yield from _given(facts)
    yield from _parameters(facts)
    values = values_by_variable(facts)
    for read in facts.reads:
        for value in values.get(variable_of(read), ()):
            yield from _value(read, value)


def values_by_variable(facts: Facts) -> Mapping[LoopVariable | None, tuple[object, ...]]:
    """Return the different values of each loop variable whose values stand in the expression."""
    found: dict[LoopVariable | None, tuple[object, ...]] = {}
    for loop in facts.loops:
        for name, values in _columns(loop.node).items():
            found[loop.node.where, loop.node.label, name] = tuple({repr(value): value for value in values}.values())
    return found


def variable_of(read: Read) -> LoopVariable | None:
    """Return the loop variable that an input reads, if it reads one."""
    if read.offer is None or not isinstance(read.offer.source, Variable):
        return None
    return read.offer.where, read.offer.source.loop.rpartition("/")[2], read.offer.source.name


def _columns(node: ForEach) -> dict[str, tuple[object, ...]]:
    match node.over:
        case Points(points) if points:
            return dict(zip(node.variables, zip(*points, strict=True), strict=True))
        case Proposed(space):
            return {name: axis.examples for name, axis in space.axes}
        case _:
            return {}


def _given(facts: Facts) -> Iterator[Problem]:
    for placement in facts.placements:
        annotations = {parameter.name: parameter.annotation for parameter in placement.signature.parameters}
        for name, value in placement.step.given:
            if name in annotations and (fault := _fault(value, annotations[name])):
                yield Problem(
                    f"{name}={value!r} does not fit the input '{name}: {shown(annotations[name])}' "
                    f"of {placement.step.name}",
                    placement.step.where,
                    why=fault,
                    fix=f"give a value of type {shown(annotations[name])}",
                )


def _parameters(facts: Facts) -> Iterator[Problem]:
    for node in nodes(facts.root):
        if not isinstance(node, Sequence):
            continue
        fields = {} if node.params is None else node.params.model_fields
        for name, value in node.given:
            if name not in fields:
                yield Problem(
                    f"the workflow {node.name} has no parameter {name!r}",
                    node.where,
                    why=f"its parameters are: {', '.join(fields) or 'none'}",
                    fix=did_you_mean(name, fields) or f"leave .with_({name}=…) out",
                )
            elif fault := _fault(value, annotation_of(fields[name])):
                wanted = shown(fields[name].annotation)
                what = f"{name}={value!r} does not fit the parameter '{name}: {wanted}' of {node.name}"
                yield Problem(what, node.where, why=fault, fix=f"give a value of type {wanted}")


def _value(read: Read, value: object) -> Iterator[Problem]:
    if fault := _fault(value, read.parameter.annotation):
        assert read.offer is not None, "the loop offers it"
        wanted = f"{read.parameter.name}: {shown(read.parameter.annotation)}"
        yield Problem(
            f"{read.name}={value!r} does not fit the input {wanted!r} of {read.step.name}",
            read.offer.where,
            why=fault,
            fix=f"list values of type {shown(read.parameter.annotation)}",
        )


def _fault(value: object, annotation: object) -> str:
    if not is_plain(annotation):
        return "only plain values can be written in an expression; let a step provide it"
    try:
        from_json(to_json(value), annotation)
    except ValueError as error:
        return str(error)
    return ""
