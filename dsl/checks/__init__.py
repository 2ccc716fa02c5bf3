"""Checks: one kind of mistake a file, each a function from the facts of binding to problems.

All are run and all problems are shown at once, in the order of the source where they stand in one file.
"""

from collections.abc import Callable, Iterator

from ..errors import Problem
from ..scope import Facts
from .condition_is_bool import condition_is_bool
from .declared import declared
from .distinct_names import distinct_names
from .fitting import fitting
from .known_names import known_names
from .loop_over_items import loop_over_items
from .merged_names import merged_names
from .names_bound_once import names_bound_once
from .objective_measured import objective_measured
from .provided import provided
from .repeat_until_bool import repeat_until_bool
from .reported import reported
from .storable_outputs import storable_outputs
from .values_fit import values_fit
from .variables_read import variables_read
from .written import written

CHECKS: tuple[Callable[[Facts], Iterator[Problem]], ...] = (
    written,
    declared,
    known_names,
    names_bound_once,
    distinct_names,
    provided,
    fitting,
    values_fit,
    merged_names,
    loop_over_items,
    variables_read,
    objective_measured,
    repeat_until_bool,
    condition_is_bool,
    storable_outputs,
    reported,
)


def apply_checks(facts: Facts) -> tuple[Problem, ...]:
    """Return every problem of a workflow, without repetition, those of one file in the order of its source."""
    problems = dict.fromkeys(problem for check in CHECKS for problem in check(facts))
    return tuple(sorted(problems, key=lambda problem: (problem.where.file, problem.where.line, problem.where.column)))
