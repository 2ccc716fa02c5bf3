"""A workflow with some of its settings swept: what does not depend on them runs once, the rest for every point."""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

from pydantic import BaseModel, create_model

from ..bind import SWEEP_POINTS
from ..errors import Problem, SettingsError
from ..fit import items_of
from ..ir import ForEach, Node, Operand, Points, Proposed, Sequence, placed
from ..measures import is_measured
from ..passes import apply_passes
from ..plan import Output
from ..values import annotation_of
from ..where import Written
from ..workflow import Workflow
from .dependence import Dependence
from .hoisted import hoisted
from .judged import judged
from .objective import Objective
from .pruned import pruned
from .rebound import rebound
from .wanted import Wanted, wanted_for

ENDING = "_sweep"
"""What the name of a swept workflow ends with."""


def swept(
    workflow: Workflow,
    variables: tuple[str, ...],
    over: Points | Proposed,
    *,
    objective: Objective | None = None,
    at_once: int | None = None,
    min_success: int | float = 1,
    then: Callable[[Mapping[str, Any]], Operand] | None = None,
    report: Iterable[str] = (),
) -> Workflow:
    """Return the workflow run for every point, as one loop; what does not depend on the settings runs once before it.

    variables: the addresses of the settings that vary, such as "train_als.rank", or "seed" for a declared parameter.
    objective: if given, only what it comes from runs, and a repetition around what varies runs once; see `wanted_for`.
    at_once: how many points may run at the same time.
    min_success: how many points, or which share of them, must succeed.
    then: what follows the loop, made from the types, by name, of what the loop's outputs are for one point: its metrics
        and numbers; if there are none, its last output.
    report: names of outputs to show when a run ends.

    Raises SettingsError for variables that are no settings, or that the objective does not depend on.
    """
    problems = sweep_problems(workflow, variables, objective)
    if problems:
        raise SettingsError(problems)
    wanted = _wanted(workflow, variables, objective)
    dependence = Dependence(workflow.plan, wanted.once)
    root = pruned(apply_passes(workflow.ir), wanted.calls)
    assert root is not None, "what is judged has steps"
    settings = frozenset(variables)
    upstream, body = (
        () if part is None else _parts(rebound(part, dependence.calls, settings, wanted.once))
        for part in hoisted(root, dependence.affected(settings))
    )
    label = f"sweep[{','.join(variables)}]"
    loop = ForEach(
        *("sweep", variables, over, Sequence(body), at_once, "continue", min_success), where=root.where, label=label
    )
    alone = _made(workflow, settings, (*upstream, loop), ())
    if then is None:
        return alone
    following = placed(then(_handed_on(alone, loop)), Written(root.where))
    return _made(workflow, settings, (*upstream, loop, following), report)


def sweep_problems(
    workflow: Workflow, variables: tuple[str, ...], objective: Objective | None = None
) -> tuple[Problem, ...]:
    """Return everything that is wrong with sweeping these settings for this objective."""
    wanted = _wanted(workflow, variables, objective)
    reached = Dependence(workflow.plan, wanted.once).settings(wanted.calls)
    return tuple(judged(workflow, variables, objective, reached))


def _handed_on(workflow: Workflow, loop: ForEach) -> dict[str, Any]:
    """Return the type of each metric and number that the loop hands on, for one point; else of its last output."""
    path = f"{workflow.name}/{loop.label}"
    types = {
        name: items[1]
        for name, source in workflow.plan.outputs
        if isinstance(source, Output) and source.node == path and (items := items_of(workflow.output_types[name]))
    }
    types.pop(SWEEP_POINTS, None)
    return {name: kind for name, kind in types.items() if is_measured(kind)} or dict(list(types.items())[-1:])


def _wanted(workflow: Workflow, variables: tuple[str, ...], objective: Objective | None) -> Wanted:
    source = dict(workflow.plan.outputs).get(objective.output) if objective is not None else None
    if source is None:
        return Wanted(frozenset(call.path for call in workflow.plan.calls()))
    return wanted_for(workflow.plan, source, frozenset(variables))


def _made(workflow: Workflow, settings: Set[str], parts: tuple[Node, ...], report: Iterable[str]) -> Workflow:
    root = workflow.ir
    return Workflow(
        workflow.name + ENDING,
        Sequence(parts, where=root.where),
        Written(root.where),
        params=_without(workflow.params, settings),
        report=tuple(report),
        doc=workflow.doc,
        given=dict(root.given),
    )


def _parts(node: Node) -> tuple[Node, ...]:
    """Return the parts of the workflow's own sequence, whose name and parameters the swept workflow has."""
    assert isinstance(node, Sequence), "a workflow is a named sequence"
    return node.parts


def _without(params: type[BaseModel] | None, names: Set[str]) -> type[BaseModel] | None:
    """Return the model of the parameters that are left; None if there are none."""
    left = {name: field for name, field in (params.model_fields if params else {}).items() if name not in names}
    if params is None or not left:
        return None
    if len(left) == len(params.model_fields):
        return params
    fields: dict[str, Any] = {name: (annotation_of(field), field) for name, field in left.items()}
    return create_model(params.__name__, **fields)
