"""A workflow: an expression with a name, checked and planned; it is itself an expression and can stand in others."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeAlias

from pydantic import BaseModel

from .bind import bind
from .checks import apply_checks
from .errors import WorkflowError
from .ir import Expression, Node, Operand, Sequence, Step, parts_of, placed
from .passes import apply_passes
from .plan import Plan
from .schedule import Schedule, check_schedule
from .settings import settings_model
from .where import Written, written_by_caller

Body: TypeAlias = Operand | Callable[[], Operand]


class Workflow(Expression):
    """A checked workflow; make one with `workflow(…)`."""

    def __init__(
        self,
        name: str,
        body: Body,
        written: Written,
        *,
        params: type[BaseModel] | None,
        report: tuple[str, ...],
        doc: str,
        given: Mapping[str, object],
        schedule: Schedule | None = None,
    ) -> None:
        self.name = name
        self.params = params
        self.report = report
        self.doc = doc
        self.schedule = schedule
        self._body = body
        self._written = written
        self._given = dict(given)
        self._opening = False

    @cached_property
    def ir(self) -> Sequence:
        """The expression as it was written, named; a nested workflow is this node.

        Raises WorkflowError if the workflow contains itself.
        """
        if self._opening:
            raise WorkflowError(
                f"the workflow {self.name} contains itself",
                self._written.where,
                why="its body leads back to it through the workflows nested in it, so it would never end",
                fix="take it out of one of them; to run a stage again use repeat(until=…, at_most=…)",
            )
        self._opening = True
        try:
            lazy = callable(self._body) and not isinstance(self._body, Expression)
            body = self._body() if lazy else self._body  # type: ignore[operator]
            node = placed(body, Written(self._written.where) if lazy else self._written.operand(1))
        finally:
            self._opening = False
        given = tuple(self._given.items())
        return Sequence(parts_of(node), self.name, self.params, given, where=self._written.where, label=self.name)

    def placed(self, written: Written) -> Node:
        return replace(self.ir, where=written.where)

    def with_(self, **values: object) -> "Workflow":
        """Return the workflow with some of its declared parameters fixed, to be nested in another."""
        return Workflow(
            self.name,
            self._body,
            self._written,
            params=self.params,
            report=self.report,
            doc=self.doc,
            given={**self._given, **values},
            schedule=self.schedule,
        )

    @cached_property
    def plan(self) -> Plan:
        """The plan: every input bound to where it comes from.

        Raises WorkflowError with every problem of the expression.
        """
        return self._built[0]

    @cached_property
    def settings_model(self) -> type[BaseModel]:
        """The pydantic model of the workflow's settings and declared parameters."""
        return self._built[1]

    @cached_property
    def steps(self) -> Mapping[str, Step[..., Any]]:
        """The step behind every call of the plan, by its path."""
        return self._built[2]

    @cached_property
    def output_types(self) -> Mapping[str, Any]:
        """The type of everything that is in scope at the end, by name."""
        return self._built[3]

    @cached_property
    def _built(self) -> tuple[Plan, type[BaseModel], Mapping[str, Step[..., Any]], Mapping[str, Any]]:
        with _uncollected():
            root = apply_passes(self.ir)
            assert isinstance(root, Sequence), "a named sequence stays one"
            bound = bind(root, report=self.report)
            problems = apply_checks(bound.facts)
        if problems:
            raise WorkflowError(problems)
        model = settings_model(self.name, bound.facts.declared)
        outputs = tuple((name, offer.source) for name, offer in bound.facts.final.items())
        plan = Plan(self.name, bound.root, model.model_json_schema(), outputs, self.report, self.doc)
        types = {name: offer.type for name, offer in bound.facts.final.items()}
        return plan, model, bound.functions, types

    def __repr__(self) -> str:
        return f"workflow({self.name!r})"


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage while the block runs: a plan is all made and kept, and looking took a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def workflow(
    name: str,
    body: Body,
    *,
    params: type[BaseModel] | None = None,
    report: Iterable[str] = (),
    doc: str = "",
    schedule: Schedule | None = None,
) -> Workflow:
    """Return the workflow of an expression, checked.

    body: the expression; or a function that returns it, for workflows that are written before those they nest. The
        second is checked when it is first used.
    params: a pydantic model; its fields reach every step that asks for their names and that nothing nearer provides.
    report: names of outputs to show when a run ends.
    doc: one sentence for listings and forms.
    schedule: when it runs by itself once it is deployed: `Cron("0 3 * * *")` or `Every(timedelta(hours=6))`. A declared
        parameter `as_of` then is the time that each run is for.

    Raises WorkflowError with every problem of the expression, each with its source line, the reason and the mend.
    """
    written = written_by_caller()
    if not name.isidentifier():
        raise WorkflowError(
            f"{name!r} cannot name a workflow",
            written.where,
            why="the name is the first part of every path, and a name in Prefect and MLflow",
            fix="use letters, digits and underscores",
        )
    if params is not None and not (isinstance(params, type) and issubclass(params, BaseModel)):
        raise WorkflowError(
            f"params={params!r} is not a pydantic model",
            written.where,
            why="parameters are typed, documented and checked by one",
            fix="class Params(BaseModel): seed: int = 0",
        )
    check_schedule(schedule, written.where)
    made = Workflow(name, body, written, params=params, report=tuple(report), doc=doc, given={}, schedule=schedule)
    if isinstance(body, Expression | list) or not callable(body):
        made._built  # noqa: B018  checked now, so that a mistake shows where it was written
    return made
