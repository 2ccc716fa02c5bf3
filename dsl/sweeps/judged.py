"""What is wrong with a sweep before it begins: settings that there are not, an objective that none of them changes."""

from collections.abc import Set

from ..errors import Problem, did_you_mean
from ..fit import shown
from ..measures import has_metrics, is_measured
from ..settings import addresses
from ..workflow import Workflow
from .objective import Objective


def judged(
    workflow: Workflow, variables: tuple[str, ...], objective: Objective | None, reached: Set[str]
) -> list[Problem]:
    """Return everything that is wrong with sweeping these settings.

    reached: the addresses of the settings that what is to run depends on.
    """
    known = addresses(workflow.settings_model)
    problems = [] if objective is None else _objective(workflow, objective)
    comparable = not problems
    for address in variables:
        if address not in known:
            why = "a setting is an input that nothing upstream provides, with a default; or a declared parameter"
            fix = did_you_mean(address, known) or "this workflow has no settings"
            problems.append(Problem(f"there is no setting {address!r}", why=why, fix=fix))
        elif address not in reached and comparable:
            problems.append(_idle(workflow, address, objective, reached))
    if not variables:
        fix = f"give one of them several values: {known[0]}=…,…" if known else "this workflow has no settings"
        problems.append(Problem("nothing is swept", why="every setting has one value", fix=fix))
    return problems


def _objective(workflow: Workflow, objective: Objective) -> list[Problem]:
    types = workflow.output_types
    measured = {name: has_metrics(kind) for name, kind in types.items() if is_measured(kind)}
    there = ", ".join(f"{name}.…" if metrics else name for name, metrics in sorted(measured.items()))
    why = f"metrics and numbers of this workflow: {there or 'none'}"
    if objective.output not in types:
        fix = did_you_mean(objective.output, measured) or "let a step return Metrics, or a float"
        return [Problem(f"no step outputs {objective.output!r}", why=why, fix=fix)]
    if objective.output not in measured:
        fix = did_you_mean(objective.output, measured) or "let its step return Metrics, or a float"
        return [Problem(f"{objective.output!r} is of type {shown(types[objective.output])}", why=why, fix=fix)]
    if measured[objective.output] and not objective.metric:
        fix = f"write {objective.output}.NAME, as in {objective.output}.ndcg@10"
        return [
            Problem(f"{objective.output!r} holds several metrics", why="points are compared by one of them", fix=fix)
        ]
    if objective.metric and not measured[objective.output]:
        what = f"{objective.output!r} is a number, and has no metric {objective.metric!r}"
        return [Problem(what, fix=f"write {objective.output}")]
    return []


def _idle(workflow: Workflow, address: str, objective: Objective | None, reached: Set[str]) -> Problem:
    if objective is None:
        return Problem(
            f"no step reads the parameter {address!r}", why="every point would be the same", fix="leave it out"
        )
    return Problem(
        f"{objective.name} does not depend on {address!r}",
        why=f"it depends on: {', '.join(sorted(reached)) or 'no setting'}",
        fix="sweep one of these, or name another objective",
    )
