"""Bind an expression: decide, by name, where every input comes from, and note every fact that the checks judge."""

from dataclasses import replace
from functools import cache
from typing import Any, assert_never

from . import plan
from .code import code_digest
from .fit import common_type, either, fits, items_of, mapping_of, optional, shown
from .ir import Definition, ForEach, Named, Node, Parallel, Points, Proposed, Repeat, Sequence, Step, When
from .kinds import kind_of
from .point import Point
from .scope import Bound, Declared, Facts, LoopFact, Merge, Offer, Placement, Read, RepeatFact, Scope, WhenFact
from .signature import REQUIRED, Parameter, signature_of
from .values import annotation_of, is_plain, to_json

Provided = dict[str, Offer]

SWEEP_POINTS = "sweep_points"
"""The name under which a sweep hands on all its points, those that failed too."""


def bind(root: Sequence, *, report: tuple[str, ...] = ()) -> Bound:
    """Return the expression bound, whatever is wrong with it; the checks judge the facts.

    report: names that must be in scope at the end.
    """
    binder = _Binder(Facts(root.name, root, report=report))
    node, binder.facts.final = binder.bind(root, Scope(), "")
    return Bound(node, binder.facts, binder.functions)


class _Binder:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.functions: dict[str, Step[..., Any]] = {}
        self._read: set[plan.Variable] = set()
        self._loops: list[dict[str, Offer]] = []

    def bind(self, node: Node, scope: Scope, path: str) -> tuple[plan.PlanNode, Provided]:
        """Return the bound node and what it provides; `path` is that of the node enclosing it."""
        match node:
            case Step():
                return self._step(node, scope, path)
            case Sequence():
                return self._sequence(node, scope, path)
            case Parallel():
                return self._parallel(node, scope, path)
            case ForEach():
                return self._for_each(node, scope, f"{path}/{node.label}")
            case Repeat():
                return self._repeat(node, scope, f"{path}/{node.label}")
            case When():
                return self._when(node, scope, f"{path}/{node.label}")
            case _:
                assert_never(node)

    def _step(self, step: Step[..., Any], scope: Scope, path: str) -> tuple[plan.PlanNode, Provided]:
        signature = signature_of(step.definition)
        path = f"{path}/{step.label}"
        self.facts.placements.append(Placement(step, signature))
        self.functions[path] = step
        if step.problems or signature.problems:
            scope.doubt()
        inputs = tuple(self._input(step, parameter, scope) for parameter in signature.parameters)
        names = dict(step.renamed_outputs)
        outputs = tuple(
            replace(made, name=names[made.name]) if made.name in names else made for made in _made(step.definition)
        )
        provided = {
            made.name: Offer(made.name, annotation, plan.Output(path, made.name), step.name, step.where)
            for made, (_, annotation) in zip(outputs, signature.outputs, strict=True)
        }
        return _call(step, path, inputs, outputs), provided

    def _input(self, step: Step[..., Any], parameter: Parameter, scope: Scope) -> plan.Input:
        name = dict(step.renamed_inputs).get(parameter.name, parameter.name)
        given = dict(step.given)
        if parameter.name in given:
            return plan.Input(parameter.name, parameter.type, plan.Given(_json(given[parameter.name])))
        offer = scope.lookup(name)
        fitting = offer is not None and fits(offer.type, parameter.annotation)
        visible = scope.visible() if not fitting and (parameter.required or offer is not None) else {}
        self.facts.reads.append(Read(step, parameter, name, offer, fitting, visible, offer is None and scope.uncertain))
        if offer is not None:
            self._mark(offer)
            return plan.Input(parameter.name, parameter.type, offer.source)
        if not parameter.required and is_plain(parameter.annotation):
            declared = Declared(
                step.name, parameter.name, parameter.annotation, parameter.default, parameter.help, step.where
            )
            self.facts.declared.append(declared)
            return plan.Input(parameter.name, parameter.type, plan.Setting(declared.address))
        return plan.Input(parameter.name, parameter.type, plan.Default())

    def _mark(self, offer: Offer) -> None:
        if isinstance(offer.source, plan.Variable):
            self._read.add(offer.source)

    def _sequence(self, node: Sequence, scope: Scope, path: str) -> tuple[plan.PlanNode, Provided]:
        inside = Scope(scope)
        if node.problems:
            inside.doubt()
        if node.name:
            path = f"{path}/{node.label}" if path else node.label
            self._parameters(node, scope, inside)
        parts, provided = [], Provided()
        for part in node.parts:
            bound, offers = self.bind(part, inside, path)
            parts.append(bound)
            inside.offer(offers)
            provided |= offers
        if inside.doubted:
            scope.doubt()
        return plan.Chain(tuple(parts), name=node.name), provided

    def _parameters(self, node: Sequence, outside: Scope, inside: Scope) -> None:
        """Offer a workflow's parameters inside it: as given, else as the name stands outside, else as a setting."""
        given = dict(node.given)
        for name, field in ({} if node.params is None else node.params.model_fields).items():
            by = f"the parameters of {node.name}"
            if name in given:
                inside.offer({name: Offer(name, field.annotation, plan.Given(_json(given[name])), by, node.where)})
            elif outside.lookup(name) is None:
                default = REQUIRED if field.is_required() else field.get_default(call_default_factory=True)
                annotation = annotation_of(field)
                declared = Declared("", name, annotation, default, field.description or "", node.where)
                self.facts.declared.append(declared)
                inside.declare({name: Offer(name, field.annotation, plan.Setting(name), by, node.where)})

    def _parallel(self, node: Parallel, scope: Scope, path: str) -> tuple[plan.PlanNode, Provided]:
        branches, provided = [], dict[str, list[Offer]]()
        for branch in node.branches:
            inside = Scope(scope)
            bound, offers = self.bind(branch, inside, path)
            branches.append(bound)
            for name, offer in offers.items():
                provided.setdefault(name, []).append(offer)
            if inside.doubted:
                scope.doubt()
        if len(provided.get(SWEEP_POINTS, ())) > 1:  # which sweep's would be meant?
            del provided[SWEEP_POINTS]
        for name, offered in provided.items():
            if len(offered) > 1:
                self.facts.merges.append(Merge(node, name, tuple(offered)))
        return plan.Fork(tuple(branches)), {name: offered[-1] for name, offered in provided.items()}

    def _for_each(self, node: ForEach, scope: Scope, path: str) -> tuple[plan.PlanNode, Provided]:
        items = scope.lookup(node.over.name) if isinstance(node.over, Named) else None
        if items is not None:
            self._mark(items)
        key, types = self._items(node, items)
        variables = {
            name: Offer(name, kind, plan.Variable(path, name), f"the loop {node.label}", node.where)
            for name, kind in types.items()
        }
        enclosing = {name: loop[name] for loop in self._loops for name in node.variables if name in loop}
        inside = Scope(scope)
        inside.offer(variables)
        self._loops.append(variables)
        body, provided = self.bind(node.body, inside, path)
        self._loops.pop()
        read = frozenset(name for name in types if plan.Variable(path, name) in self._read)
        if node.problems or inside.doubted:
            scope.doubt()
        visible = scope.visible() if isinstance(node.over, Named) and items is None else {}
        self.facts.loops.append(
            LoopFact(node, items, visible, read, enclosing, provided, scope.uncertain, inside.doubted)
        )
        joined = {
            name: Offer(
                name, mapping_of(key, offer.type), plan.Output(path, name), f"the loop {node.label}", node.where
            )
            for name, offer in provided.items()
        }
        exports = tuple(plan.Export(name, shown(joined[name].type), provided[name].source) for name in provided)
        if node.verb == "sweep":
            points = plan.Output(path, SWEEP_POINTS)
            joined[SWEEP_POINTS] = Offer(
                SWEEP_POINTS, list[dict[str, Any]], points, f"the loop {node.label}", node.where
            )
        return plan.Loop(
            path,
            node.verb,
            tuple(types),
            _over(node, items),
            body,
            exports,
            node.at_once,
            node.on_failure,
            node.min_success,
        ), joined

    def _items(self, node: ForEach, items: Offer | None) -> tuple[Any, dict[str, Any]]:
        """Return the type of the keys, and the type of each variable."""
        if isinstance(node.over, Named):
            found = None if items is None else items_of(items.type)
            if found is None:
                return Any, dict.fromkeys(node.variables, Any)
            key, item, mapping = found
            (variable,) = node.variables
            return key, {variable: item, **({f"{variable}_key": key} if mapping else {})}
        if isinstance(node.over, Proposed):
            return Point, {name: common_type(axis.examples) for name, axis in node.over.space.axes}
        assert isinstance(node.over, Points), "expand_points ran before"
        columns = list(zip(*node.over.points, strict=True)) or [() for _ in node.variables]
        types = {name: common_type(values) for name, values in zip(node.variables, columns, strict=True)}
        return (Point if node.verb == "sweep" else types[node.variables[0]]), types

    def _repeat(self, node: Repeat, scope: Scope, path: str) -> tuple[plan.PlanNode, Provided]:
        inside = Scope(scope)
        attempt = Offer("attempt", int, plan.Variable(path, "attempt"), f"the loop {node.label}", node.where)
        inside.offer({"attempt": attempt})
        self._loops.append({"attempt": attempt})
        body, provided = self.bind(node.body, inside, path)
        self._loops.pop()
        if node.problems or inside.doubted:
            scope.doubt()
        until = provided.get(node.until)
        outside = scope.lookup(node.until) if until is None else None
        self.facts.repeats.append(RepeatFact(node, until, outside, provided, inside.doubted))
        joined = {
            name: Offer(name, offer.type, plan.Output(path, name), offer.by, offer.where)
            for name, offer in provided.items()
        }
        exports = tuple(plan.Export(name, shown(offer.type), offer.source) for name, offer in provided.items())
        source = until.source if until is not None else plan.Absent()
        return plan.Attempts(path, node.until, source, node.at_most, node.exhausted, body, exports), joined

    def _when(self, node: When, scope: Scope, path: str) -> tuple[plan.PlanNode, Provided]:
        condition = scope.lookup(node.condition)
        if condition is not None:
            self._mark(condition)
        visible = scope.visible() if condition is None else {}
        self.facts.decisions.append(WhenFact(node, condition, visible, scope.uncertain))
        then_scope, other_scope = Scope(scope), Scope(scope)
        then, provided = self.bind(node.then, then_scope, path)
        orelse, instead = None, Provided()
        if node.orelse is not None:
            orelse, instead = self.bind(node.orelse, other_scope, f"{path}/otherwise")
        if node.problems or then_scope.doubted or other_scope.doubted:
            scope.doubt()
        joined, exports = Provided(), []
        for name in {**provided, **instead}:
            outside = scope.lookup(name)
            yes, no = provided.get(name, outside), instead.get(name, outside)
            kind = _either_way(yes, no)
            by = " or ".join(dict.fromkeys(offer.by for offer in (yes, no) if offer is not None))
            joined[name] = Offer(name, kind, plan.Output(path, name), by, node.where)
            exports.append(plan.BranchExport(name, shown(kind), _source(yes), _source(no)))
        source = _source(condition)
        return plan.Branch(path, node.condition, source, then, orelse, tuple(exports)), joined


@cache
def _made(definition: Definition) -> tuple[plan.Made, ...]:
    """Return the outputs of a step under the names that its function gives them."""
    return tuple(
        plan.Made(name, shown(annotation), kind_of(annotation) or "", returned_as=name)
        for name, annotation in signature_of(definition).outputs
    )


def _either_way(yes: Offer | None, no: Offer | None) -> Any:
    if yes is None or no is None:
        present = yes or no
        assert present is not None, "one of the bodies provides the name"
        return optional(present.type)
    return either(yes.type, no.type)


def _source(offer: Offer | None) -> plan.Source:
    return offer.source if offer is not None else plan.Absent()


def _over(node: ForEach, items: Offer | None) -> plan.Items | plan.Listed | plan.Proposed:
    if isinstance(node.over, Proposed):
        asked = node.over
        return plan.Proposed(
            asked.space.to_json(),
            asked.count,
            asked.batch,
            asked.objective,
            asked.metric,
            asked.direction,
            asked.seed,
        )
    if isinstance(node.over, Points):
        return plan.Listed(tuple(tuple(map(_json, point)) for point in node.over.points))
    found = None if items is None else items_of(items.type)
    return plan.Items(_source(items), mapping=found is not None and found[2])


def _call(step: Step[..., Any], path: str, inputs: tuple[plan.Input, ...], outputs: tuple[plan.Made, ...]) -> plan.Call:
    definition = step.definition
    function = definition.function
    return plan.Call(
        path=path,
        step=step.name,
        function=f"{function.__module__}:{function.__qualname__}",
        code=code_digest(definition),
        inputs=inputs,
        outputs=outputs,
        retries=definition.retries,
        retry_delay=definition.retry_delay.total_seconds(),
        retry_backoff=definition.retry_backoff,
        retry_jitter=definition.retry_jitter,
        timeout=None if definition.timeout is None else definition.timeout.total_seconds(),
        cpus=definition.resources.cpus,
        memory=definition.resources.memory,
        place=definition.place.name,
        place_config=definition.place.to_json(),
        command="" if definition.command is None else str(definition.command),
        question=step.question,
        doc=(function.__doc__ or "").strip().partition("\n")[0],
    )


def _json(value: object) -> plan.Json:
    try:
        return to_json(value)
    except ValueError:  # the check of given values reports it
        return repr(value)
