"""The verbs of the language; the operators `>>` and lists build the same nodes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import Problem
from .ir import (
    Folds,
    ForEach,
    Grid,
    Named,
    Operand,
    Over,
    Parallel,
    Points,
    Repeat,
    Replicates,
    Sequence,
    When,
    chain,
    fork,
    placed,
)
from .where import Where, written_by_caller


def sequence(*parts: Operand) -> Sequence:
    """Return the parts in order, each seeing the outputs of those before it: `a >> b`."""
    return chain(parts, written_by_caller())


def parallel(*branches: Operand) -> Parallel:
    """Return the branches side by side: `[a, b]` in an expression. They do not see each other."""
    return fork(branches, written_by_caller())


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop that waits for its body."""

    verb: str
    variables: tuple[str, ...]
    over: Over
    where: Where = field(repr=False)
    problems: tuple[Problem, ...] = field(repr=False)

    def do(
        self,
        body: Operand,
        *,
        at_once: int | None = None,
        on_failure: Literal["fail", "continue"] = "fail",
        min_success: int | float = 1,
    ) -> ForEach:
        """Return the loop with its body.

        at_once: how many items may run at the same time; None: as many as fit.
        on_failure: what follows when items fail, once all the others have ended: "fail" fails the loop; "continue" goes
            on with the items that succeeded, and the run lists those that did not.
        min_success: with "continue", how many items (an int), or which share of them (a float up to 1.0), must succeed.
        """
        written = written_by_caller()
        problems = self.problems
        if at_once is not None and at_once < 1:
            fix = "write at_once=1 for one at a time"
            problems += (Problem(f"at_once={at_once!r} lets no item run", written.where, "", fix),)
        problems += _tolerance(on_failure, min_success, written.where)
        inner = placed(body, written.operand(0))
        label = f"{self.verb}[{','.join(self.variables)}]"
        return ForEach(
            self.verb,
            self.variables,
            self.over,
            inner,
            at_once,
            on_failure,
            min_success,
            where=self.where,
            problems=problems,
            label=label,
        )

    def __repr__(self) -> str:
        return f"{self.verb}({', '.join(self.variables)})"


def for_each(**variable: str | Iterable[object]) -> Loop:
    """Loop over a list or mapping: `for_each(market="markets").do(…)`, by name or written out.

    The body sees one item under the variable's name. Over a mapping it sees the value, and the key as
    `<variable>_key`. After the loop every output `T` of the body is a `Mapping[Key, T]` in the items' order.
    """
    where = written_by_caller().where
    if len(variable) != 1:
        fix = 'write for_each(market="markets"), and nest loops or use sweep(…) for combinations'
        problem = Problem(f"for_each binds one variable, not {len(variable)}", where, "", fix)
        return Loop("for_each", tuple(variable) or ("item",), Points(()), where, (problem,))
    ((name, items),) = variable.items()
    if isinstance(items, str):
        return Loop("for_each", (name,), Named(items), where, ())
    values, problems = _listed(name, items, where)
    return Loop("for_each", (name,), Points(tuple((value,) for value in values)), where, problems)


def sweep(**axes: Iterable[object]) -> Loop:
    """Loop over every combination of values: `sweep(rank=[32, 64], alpha=[1, 40]).do(…)`.

    After the loop every output `T` of the body is a `Mapping[Point, T]`.
    """
    where = written_by_caller().where
    listed = {name: _listed(name, values, where) for name, values in axes.items()}
    problems = tuple(problem for _, found in listed.values() for problem in found)
    if not axes:
        fix = "write sweep(rank=[32, 64])"
        problems = (Problem("sweep has nothing to vary", where, "", fix),)
    return Loop(
        "sweep", tuple(axes), Grid(tuple((name, values) for name, (values, _) in listed.items())), where, problems
    )


def bootstrap(n: int) -> Loop:
    """Loop over n replicates; the body sees `replicate` = 0 … n-1, to draw its own sample from."""
    where = written_by_caller().where
    return Loop("bootstrap", ("replicate",), Replicates(n), where, _counted("bootstrap", n, 1, where))


def cross_validate(folds: int) -> Loop:
    """Loop over the folds of a cross-validation; the body sees `fold` = 0 … folds-1, and `folds`."""
    where = written_by_caller().where
    return Loop("cross_validate", ("fold", "folds"), Folds(folds), where, _counted("cross_validate", folds, 2, where))


@dataclass(frozen=True, slots=True)
class RepeatLoop:
    """A repetition that waits for its body."""

    until: str
    at_most: int
    where: Where = field(repr=False)
    problems: tuple[Problem, ...] = field(repr=False)

    def do(self, body: Operand, *, exhausted: Literal["fail", "continue"] = "fail") -> Repeat:
        """Return the repetition with its body.

        exhausted: what happens if the last attempt still was not good: "fail" fails the run and says why; "continue"
            goes on with the outputs of the last attempt.
        """
        written = written_by_caller()
        inner = placed(body, written.operand(0))
        return Repeat(
            self.until, self.at_most, inner, exhausted, where=self.where, problems=self.problems, label="repeat"
        )

    def __repr__(self) -> str:
        return f"repeat(until={self.until!r})"


def repeat(*, until: str, at_most: int | None = None) -> RepeatLoop:
    """Repeat a body until its bool output `until` is true: `repeat(until="stable", at_most=3).do(…)`.

    The body sees `attempt` = 1, 2, …; after it, the outputs of the last attempt are in scope.
    """
    where = written_by_caller().where
    if at_most is None or at_most < 1:
        problem = Problem(
            "repeat needs an upper bound" if at_most is None else f"repeat cannot be bounded by {at_most}",
            where,
            why="a workflow that may never end cannot be scheduled",
            fix="add at_most=3",
        )
        return RepeatLoop(until, 1, where, (problem,))
    return RepeatLoop(until, at_most, where, ())


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision that waits for its body."""

    condition: str
    where: Where = field(repr=False)

    def do(self, body: Operand) -> When:
        """Return the decision with the body that runs if the condition is true."""
        written = written_by_caller()
        return When(self.condition, placed(body, written.operand(0)), where=self.where, label=f"when[{self.condition}]")

    def __repr__(self) -> str:
        return f"when({self.condition!r})"


def when(condition: str) -> Decision:
    """Run a body if a bool in scope is true: `when("publishable").do(publish).otherwise(explain)`."""
    return Decision(condition, written_by_caller().where)


def _listed(name: str, items: Any, where: Where) -> tuple[tuple[object, ...], tuple[Problem, ...]]:
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        why = f"{name}={items!r} is of type {type(items).__name__}"
        return (), (Problem(f"the values of {name!r} are not a list", where, why, f"write {name}=[{items!r}]"),)
    values = tuple(items)
    problems: list[Problem] = []
    if not values:
        problems.append(
            Problem(
                f"there are no values for {name!r}", where, "an empty loop runs nothing", f"list values: {name}=[…]"
            )
        )
    if len(set(map(repr, values))) < len(values):
        twice = next(value for value in values if list(map(repr, values)).count(repr(value)) > 1)
        why = "the items of a loop are its keys"
        problems.append(Problem(f"{twice!r} stands twice in the values of {name!r}", where, why, "remove one of them"))
    return values, tuple(problems)


def _tolerance(on_failure: str, min_success: int | float, where: Where) -> tuple[Problem, ...]:
    """Return what is wrong with what a loop says of items that fail."""
    if on_failure not in ("fail", "continue"):
        why = 'a loop whose items fail can only "fail", or "continue" with those that succeeded'
        return (Problem(f"on_failure={on_failure!r} says nothing", where, why, 'write on_failure="continue"'),)
    if min_success < 0 or (isinstance(min_success, float) and min_success > 1):
        why = "an int counts items, and a float up to 1.0 is a share of them"
        fix = "write min_success=0.9 for nine of ten, or min_success=10 for ten"
        return (Problem(f"min_success={min_success!r} cannot be reached or missed", where, why, fix),)
    if on_failure == "fail" and min_success != 1:
        why = 'without on_failure="continue" every item must succeed'
        return (Problem("min_success is never asked", where, why, 'add on_failure="continue"'),)
    return ()


def _counted(verb: str, count: int, least: int, where: Where) -> tuple[Problem, ...]:
    if count >= least:
        return ()
    return (Problem(f"{verb}({count!r}) has too little to loop over", where, "", f"write {verb}({max(least, 5)})"),)
