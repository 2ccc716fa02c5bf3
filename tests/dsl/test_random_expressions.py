"""Random expressions mean what they say: the plan of each prints, reads back, runs, and gives what plain Python gives.

An expression is generated as a tree of small parts. One function turns a part into an expression of the language,
another one evaluates it by hand; neither knows the other.
"""

import operator
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, reduce
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaon.artifacts import open_store
from kaon.dsl import Plan, Point, for_each, parallel, repeat, sequence, step, sweep, when, workflow
from kaon.dsl.backends import run
from kaon.dsl.bind import SWEEP_POINTS
from kaon.dsl.ir import Expression
from kaon.dsl.show import as_mermaid, as_text

EXAMPLES = int(os.environ.get("KAON_EXAMPLES", "6"))
"""How many expressions are tried; a longer search: KAON_EXAMPLES=500."""

START = 1
"""What the first step of every expression outputs as `x`."""


@dataclass(frozen=True)
class Add:
    """Output `name` = the value of `reads` + amount."""

    name: str
    reads: str
    amount: int


@dataclass(frozen=True)
class Parts:
    parts: tuple["Part", ...]
    operators: bool


@dataclass(frozen=True)
class Branches:
    branches: tuple["Part", ...]
    operators: bool


@dataclass(frozen=True)
class Each:
    """A loop over as many items as `x` says, modulo 3, known at run time; its outputs are summed up as `total`."""

    variable: str
    body: "Part"
    total: str


@dataclass(frozen=True)
class Sweep:
    axes: tuple[tuple[str, tuple[int, ...]], ...]
    body: "Part"
    total: str


@dataclass(frozen=True)
class Again:
    """A repetition until `attempt` reaches a number."""

    body: "Part"
    attempts: int
    until: str


@dataclass(frozen=True)
class Choice:
    """A decision by whether a value is even; `name` is None where its body does not run."""

    reads: str
    condition: str
    body: "Part"
    other: "Part | None"


@dataclass(frozen=True)
class Nested:
    name: str
    body: "Part"


Part: TypeAlias = Add | Parts | Branches | Each | Sweep | Again | Choice | Nested
Values: TypeAlias = dict[str, Any]


class Names:
    """Hands out names that are used once, and knows which numbers are in scope."""

    def __init__(self) -> None:
        self.count = 0

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"


@st.composite
def expressions(draw: st.DrawFn) -> Part:
    part, _ = draw(_sequences(Names(), ("x",), depth=2))
    return part


def _sequences(names: Names, scope: tuple[str, ...], depth: int) -> st.SearchStrategy[tuple[Part, tuple[str, ...]]]:
    @st.composite
    def build(draw: st.DrawFn) -> tuple[Part, tuple[str, ...]]:
        parts: list[Part] = []
        provided: tuple[str, ...] = ()
        for _ in range(draw(st.integers(1, 2))):
            part, new = draw(_parts(names, scope + provided, depth))
            parts.append(part)
            provided += new
        return Parts(tuple(parts), draw(st.booleans())), provided

    return build()


def _parts(names: Names, scope: tuple[str, ...], depth: int) -> st.SearchStrategy[tuple[Part, tuple[str, ...]]]:
    @st.composite
    def build(draw: st.DrawFn) -> tuple[Part, tuple[str, ...]]:
        kinds = ["add", "add"] if depth == 0 else ["add", "parallel", "each", "sweep", "repeat", "when", "nested"]
        reads = draw(st.sampled_from(scope))
        match draw(st.sampled_from(kinds)):
            case "parallel":
                drawn = [draw(_sequences(names, scope, depth - 1)) for _ in range(draw(st.integers(1, 2)))]
                branches = tuple(part for part, _ in drawn)
                return Branches(branches, draw(st.booleans())), tuple(name for _, new in drawn for name in new)
            case "each":
                variable = names.fresh("item")
                first = Add(names.fresh("v"), variable, draw(st.integers(0, 9)))
                inner, _ = draw(_sequences(names, (*scope, variable, first.name), depth - 1))
                total = names.fresh("sum")
                return Each(variable, Parts((first, inner), True), total), (total,)
            case "sweep":
                axes = tuple(
                    (names.fresh("axis"), tuple(draw(st.lists(st.integers(0, 9), min_size=1, max_size=2, unique=True))))
                    for _ in range(draw(st.integers(1, 2)))
                )
                adds = tuple(Add(names.fresh("v"), axis, draw(st.integers(0, 9))) for axis, _ in axes)
                inner, _ = draw(_sequences(names, (*scope, *(add.name for add in adds)), depth - 1))
                total = names.fresh("sum")
                return Sweep(axes, Parts((*adds, inner), True), total), (total,)
            case "repeat":
                first = Add(names.fresh("v"), "attempt", draw(st.integers(0, 9)))
                inner, new = draw(_sequences(names, (*scope, first.name), depth - 1))
                return Again(Parts((first, inner), False), draw(st.integers(1, 3)), names.fresh("done")), new
            case "when":
                body, _ = draw(_sequences(names, scope, depth - 1))
                other, _ = draw(st.one_of(st.just((None, ())), _sequences(names, scope, depth - 1)))
                return Choice(reads, names.fresh("even"), body, other), ()
            case "nested":
                body, new = draw(_sequences(names, scope, depth - 1))
                return Nested(names.fresh("inner"), body), new
            case _:
                add = Add(names.fresh("v"), reads, draw(st.integers(0, 9)))
                return add, (add.name,)

    return build()


def expression_of(part: Part) -> Expression | list[Any]:
    """Return the expression of the language."""
    match part:
        case Add(name, reads, amount):
            return _adding(amount).named(f"add_{name}").reads(x=reads).rename(sum=name)
        case Parts(parts, operators):
            expressions = [expression_of(inner) for inner in parts]
            if not operators or len(expressions) == 1:
                return sequence(*expressions)
            if isinstance(expressions[0], list):  # two lists have no `>>`
                expressions[0] = parallel(*expressions[0])
            return reduce(operator.rshift, expressions)
        case Branches(branches, operators):
            expressions = [expression_of(inner) for inner in branches]
            return expressions if operators else parallel(*expressions)
        case Each(variable, body, total):
            items = f"{variable}_items"
            count = count_up.named(f"count_{items}").rename(items=items)
            joined = for_each(**{variable: items}).do(expression_of(body))
            return count >> joined >> _summing(total, _last_name(body))
        case Sweep(axes, body, total):
            joined = sweep(**{name: list(values) for name, values in axes}).do(expression_of(body))
            return sequence(joined, _summing(total, _last_name(body)))
        case Again(body, attempts, until):
            stop = _stopping(attempts).named(f"stop_{until}").rename(stop=until)
            return repeat(until=until, at_most=5).do(sequence(expression_of(body), stop))
        case Choice(reads, condition, body, other):
            even = is_even.named(f"decide_{condition}").reads(x=reads).rename(even=condition)
            decision = when(condition).do(expression_of(body))
            return even >> (decision if other is None else decision.otherwise(expression_of(other)))
        case Nested(name, body):
            return workflow(name, lambda: expression_of(body))


def evaluated(part: Part, scope: Values) -> Values:
    """Return what a part provides, computed by hand; `scope` holds what it may read."""
    match part:
        case Add(name, reads, amount):
            return {name: scope[reads] + amount}
        case Parts(parts, _):
            provided: Values = {}
            for inner in parts:
                provided |= evaluated(inner, scope | provided)
            return provided
        case Branches(branches, _):
            return {name: value for branch in branches for name, value in evaluated(branch, scope).items()}
        case Each(variable, body, total):
            items = list(range(scope["x"] % 3 + 1))
            found = {item: evaluated(body, scope | {variable: item}) for item in items}
            return {f"{variable}_items": items} | _joined(found) | _total(total, body, found)
        case Sweep(axes, body, total):
            points = [dict(zip(dict(axes), point, strict=True)) for point in product(*(values for _, values in axes))]
            found = {Point(**point): evaluated(body, scope | point) for point in points}
            return _joined(found) | _total(total, body, found)
        case Again(body, attempts, until):
            return evaluated(body, scope | {"attempt": attempts}) | {until: True}
        case Choice(reads, condition, body, other):
            yes = scope[reads] % 2 == 0
            taken = evaluated(body, scope) if yes else {}
            instead = evaluated(other, scope) if other is not None and not yes else {}
            skipped = _provided(body) | (set() if other is None else _provided(other))
            return {condition: yes} | dict.fromkeys(skipped) | taken | instead
        case Nested(_, body):
            return evaluated(body, scope)


def _joined(found: dict[Any, Values]) -> Values:
    names = next(iter(found.values()))
    return {name: {key: values[name] for key, values in found.items()} for name in names}


def _total(total: str, body: Part, found: dict[Any, Values]) -> Values:
    return {total: sum(values[_last_name(body)] for values in found.values())}


def _last_name(body: Part) -> str:
    """Return the name of the number that a loop's body begins with."""
    assert isinstance(body, Parts)
    assert isinstance(body.parts[0], Add)
    return body.parts[0].name


def _provided(part: Part) -> set[str]:
    match part:
        case Add(name):
            return {name}
        case Parts(inner) | Branches(inner):
            return {name for each in inner for name in _provided(each)}
        case Each(variable, body, total):
            return {f"{variable}_items", total} | _provided(body)
        case Sweep(_, body, total):
            return {total} | _provided(body)
        case Again(body, _, until):
            return {until} | _provided(body)
        case Choice(_, condition, body, other):
            return {condition} | _provided(body) | (set() if other is None else _provided(other))
        case Nested(_, body):
            return _provided(body)


@step(output="x")
def begin() -> int:
    return START


@step(output="items")
def count_up(x: int) -> list[int]:
    return list(range(x % 3 + 1))


@step(output="even")
def is_even(x: int) -> bool:
    return x % 2 == 0


@cache
def _adding(amount: int) -> Any:
    @step(output="sum")
    def add(x: int) -> int:
        return x + amount

    return add


@cache
def _stopping(attempts: int) -> Any:
    @step(output="stop")
    def stop(attempt: int) -> bool:
        return attempt >= attempts

    return stop


@step(output="total")
def add_up(joined: Mapping[Any, int]) -> int:
    return sum(joined.values())


def _summing(total: str, name: str) -> Any:
    return add_up.named(f"add_up_{total}").reads(joined=name).rename(total=total)


class Ran(NamedTuple):
    outputs: Values
    states: set[str]


def _ran(flow: Any) -> Ran:
    store = open_store("memory://")
    result = run(flow, store=store)
    states = {record.state for record in store.records.step_runs(result.run_id)}
    return Ran({name: _plain(result[name]) for name in result if name != SWEEP_POINTS}, states)


def _plain(value: Any) -> Any:
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, Mapping) else value


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(expressions())
def test_a_random_expression_gives_what_plain_python_gives(part: Part) -> None:
    flow = workflow("random", begin >> expression_of(part))

    ran = _ran(flow)

    assert ran.outputs == {"x": START} | evaluated(part, {"x": START})
    assert ran.states <= {"completed", "skipped", "cancelled"}


@settings(max_examples=2 * EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expressions())
def test_the_plan_of_a_random_expression_reads_back_and_prints_the_same(part: Part) -> None:
    plan = workflow("random", begin >> expression_of(part)).plan

    again = Plan.from_json(plan.to_json())

    assert again == plan
    assert as_text(again) == as_text(plan)
    assert as_mermaid(again) == as_mermaid(plan)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expressions())
def test_a_random_expression_built_twice_has_the_same_plan(part: Part) -> None:
    one = workflow("random", begin >> expression_of(part)).plan
    other = workflow("random", begin >> expression_of(part)).plan

    assert one == other


def test_the_evaluation_by_hand_is_itself_as_written_down() -> None:
    part = Parts(
        (Each("item", Parts((Add("v", "item", 1),), True), "sum"), Again(Add("w", "attempt", 1), 2, "done")), True
    )

    assert evaluated(part, {"x": 1}) == {
        "item_items": [0, 1],
        "v": {0: 1, 1: 2},
        "sum": 3,
        "w": 3,
        "done": True,
    }
