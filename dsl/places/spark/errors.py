"""What can go wrong with a Spark application: SparkNotFound before it starts, SparkFailed when it has ended."""

import re
from collections.abc import Iterable

from ...errors import Problem

RAISED = re.compile(
    r"(?:Caused by: |Exception in thread \"[^\"]*\" )?((?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception|Exit)\b.*)"
)


class SparkNotFound(Exception):
    """No Spark, or no Java for it, can be started: what is missing, why, and the mend."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(str(Problem(what, why=why, fix=fix)))


class SparkFailed(Exception):
    """An application ended other than well: how, what it raised, and the mend."""

    def __init__(self, how: str, lines: Iterable[str]) -> None:
        why = raised(lines)
        short = "OutOfMemoryError" in why or "SIGKILL" in how
        fix = 'give it more memory: conf={"spark.driver.memory": "4g"}' if short else "kaon logs shows all that it said"
        super().__init__(str(Problem(f"the Spark application failed: {how}", why=why, fix=fix)))


def raised(lines: Iterable[str]) -> str:
    """Return the error that an application's last lines tell of, the innermost cause first.

    >>> raised(["Traceback (most recent call last):", "ValueError: no rows", "bye"])
    'ValueError: no rows'
    """
    found = [line.strip() for line in lines if line.strip()]
    errors = [match[1] for line in found if (match := RAISED.match(line))]
    return errors[-1] if errors else (found[-1] if found else "it said nothing")
