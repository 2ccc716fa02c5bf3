"""The errors of the language.

WorkflowError        one or more Problems of an expression, all shown at once
├── SettingsError    values given to a run do not fit the workflow's settings
└── (raised by `workflow(...)`, `Workflow.plan` and the verbs)
StepTimedOut         a try of a step took longer than the step's timeout
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from .where import NOWHERE, Where


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a workflow: what, where, why, and how to mend it."""

    what: str
    where: Where = NOWHERE
    why: str = ""
    fix: str = ""

    def __str__(self) -> str:
        parts = [self.what, "", *_excerpt(self.where)]
        if self.why:
            parts.append(f"  why: {self.why}")
        if self.fix:
            parts.append(f"  fix: {self.fix}")
        return "\n".join(parts).rstrip()


class WorkflowError(Exception):
    """A workflow cannot be built: every problem found, each with the user's own line, the reason and the mend."""

    def __init__(self, what: str | Sequence[Problem], where: Where = NOWHERE, *, why: str = "", fix: str = "") -> None:
        self.problems = (Problem(what, where, why, fix),) if isinstance(what, str) else tuple(what)
        super().__init__(self.render())

    def render(self) -> str:
        """Return the text of every problem, in the order of the source."""
        if len(self.problems) == 1:
            return str(self.problems[0])
        heading = f"{len(self.problems)} problems in this workflow"
        return "\n\n".join([heading, *(f"{n}. {problem}" for n, problem in enumerate(self.problems, 1))])


class SettingsError(WorkflowError):
    """Values given to a run do not fit the workflow's settings."""


class StepTimedOut(Exception):
    """A try of a step took longer than the step's timeout."""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return a sentence that suggests the nearest choice, or lists them all if none is near.

    >>> did_you_mean("train_asl.rank", ["train_als.rank", "publish.folder"])
    "did you mean 'train_als.rank'?"
    >>> did_you_mean("select_users.only_markets", ["only_markets", "select_users.columns"])
    "did you mean 'only_markets'?"
    """
    known = sorted(set(choices))
    last = name.rpartition(".")[2]
    near = [last] if last in known else get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"choose one of: {', '.join(map(repr, known))}" if known else ""


def _excerpt(where: Where) -> list[str]:
    if where == NOWHERE:
        return []
    source = where.source
    if not source:
        return [f"  {where}"]
    number = f"{where.line:>5}"
    lines = [f"  {where}", f"{number} | {source}"]
    if where.end_column > where.column:
        lines.append(f"{' ' * len(number)} | {' ' * where.column}{'^' * (where.end_column - where.column)}")
    return [*lines, ""]
