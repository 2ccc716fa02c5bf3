from collections.abc import Iterator

from ..errors import Problem, did_you_mean
from ..scope import Facts


def reported(facts: Facts) -> Iterator[Problem]:
    """Yield names that the workflow wants to report and that are not in scope at its end."""
    for name in facts.report:
        if name not in facts.final:
            yield Problem(
                f"the workflow {facts.workflow} reports {name!r}, which is not in scope at its end",
                facts.root.where,
                why=f"in scope at the end: {', '.join(sorted(facts.final)) or 'nothing'}",
                fix=did_you_mean(name, facts.final) or "leave it out of report=…",
            )
