"""A step of a run, or one item of it, as the command line names it: `train`, `train[CA]`, `train[market=CA]`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .refusals import CallError
from .status import steps_of
from .sweep_numbers import with_values

if TYPE_CHECKING:
    from kaon.artifacts import RunOverview, StepRecord, Store


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of the steps of a run."""

    path: str
    """A plan path, or a step's name."""
    items: Mapping[str, str]
    """Values of loop variables, and of `attempt`, as text; the name is empty where only the value was given."""

    def holds(self, step: "StepRecord") -> bool:
        """Say whether a step of this path is meant."""
        values = {name: str(value) for name, value in step.keys}
        attempt = ".".join(map(str, step.attempt))
        for name, wanted in self.items.items():
            found = wanted in values.values() if not name else wanted == {"attempt": attempt, **values}.get(name)
            if not found:
                return False
        return True


def selection(store: "Store", overview: "RunOverview", named: str) -> Selection:
    """Return what a name stands for: a step, a path as `kaon status` prints it, or one of those with an item.

    The item can be the number of a sweep's point. Raises CallError if the run has no such step, or point.

    >>> _parsed("repeat[2]/for_each[market=ca]/fit")
    ('repeat/for_each[market]/fit', {'market': 'ca', 'attempt': '2'})
    >>> _parsed("fit[market=ca, attempt=2]"), _parsed("fit[ca]")
    (('fit', {'market': 'ca', 'attempt': '2'}), ('fit', {'': 'ca'}))
    """
    path, items = _parsed(named)
    run = overview.run
    known = {name for progress in overview.paths for name in (progress.path, progress.step)}
    for candidate in (path, f"{run.workflow}/{path}"):
        if candidate in known:
            return Selection(candidate, with_values(store, run, candidate, items))
    from kaon.dsl.errors import did_you_mean

    names = {name for name in known if "/" not in name} or known
    raise CallError(f"run {run.id} has no step {path!r}", fix=did_you_mean(path, names) or f"kaon status {run.id}")


def selected(store: "Store", run_id: int, chosen: Selection) -> Iterator["StepRecord"]:
    """Yield the steps that are meant."""
    return (step for step in steps_of(store, run_id, path=chosen.path) if chosen.holds(step))


def _parsed(named: str) -> tuple[str, dict[str, str]]:
    """Return the path as the plan has it, and the items that were filled in."""
    *around, last = named.split("/")
    path: list[str] = []
    attempts: list[str] = []
    items: dict[str, str] = {}
    for segment in around:
        label, bracket, inside = segment.partition("[")
        pairs = [pair.partition("=") for pair in inside.removesuffix("]").split(",")]
        if bracket and label.partition("#")[0] == "repeat":
            path.append(label)
            attempts.append(inside.removesuffix("]"))
        else:
            path.append(f"{label}[{','.join(name for name, _, _ in pairs)}]" if bracket else segment)
            items |= {name: value for name, equals, value in pairs if equals}
    step, bracket, inside = last.partition("[")
    if bracket:
        for pair in inside.removesuffix("]").split(","):
            name, equals, value = pair.partition("=")
            items |= {name.strip(): value.strip()} if equals else {"": pair.strip()}
    if attempts:
        items["attempt"] = ".".join(attempts)
    return "/".join([*path, step]), items
