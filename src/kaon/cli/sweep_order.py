"""What `kaon sweep` was asked for, and the workflow that does it; a run keeps it, so that it can be continued."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kaon.dsl.errors import Problem, SettingsError, did_you_mean

if TYPE_CHECKING:
    from kaon.dsl import Workflow
    from kaon.dsl.ir import Points, Proposed
    from kaon.dsl.sampling import Direction, Space
    from kaon.dsl.sweeps import Objective

    from .sweep_values import Given

Sampler = Literal["grid", "random", "tpe", "list"]
MOST_POINTS = 1_000_000
BATCH = 4
"""Points that a search asks for at a time, unless --at-once says."""
REPORT = ("leaderboard",)


@dataclass(frozen=True, slots=True)
class SweepOrder:
    """The arguments of `kaon sweep` that say what is run."""

    values: tuple[str, ...] = ()
    sampler: Sampler | None = None
    sample: int | None = None
    seed: int = 0
    points: str = ""
    """The path of a file of points; empty if there is none."""
    maximize: str = ""
    minimize: str = ""
    at_once: int | None = None
    min_success: int | float = 1
    fixed: Mapping[str, object] = field(default_factory=dict)
    """With axes: the settings that do not vary, by address."""
    axes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """In place of values, what varies as `kaon.artifacts.launching.points` reads it."""

    def to_json(self) -> str:
        """Return the order as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "SweepOrder":
        """Return the order that `to_json` wrote."""
        raw = json.loads(text)
        return SweepOrder(**{**raw, "values": tuple(raw["values"])})

    @property
    def drawn_by(self) -> Sampler:
        """The sampler: the one that was named, or what the other arguments mean."""
        if self.sampler is not None:
            return self.sampler
        return "list" if self.points else "random" if self.sample is not None else "grid"

    @property
    def objective(self) -> "Objective | None":
        """What points are compared by, if anything."""
        from kaon.dsl.sweeps import Objective

        direction: Direction = "minimize" if self.minimize else "maximize"
        name = self.minimize or self.maximize
        return Objective.parse(name, direction) if name else None


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep that can be run."""

    workflow: "Workflow"
    settings: Mapping[str, object]
    """The settings that are fixed, as far as what runs has them."""
    variables: tuple[str, ...]
    count: int
    how: str
    """How the points were made, for people."""


def sweep_of(workflow: "Workflow", order: SweepOrder) -> Sweep:
    """Return the sweep that is asked for of a workflow. Raises SettingsError with everything that is wrong."""
    from kaon.dsl.settings import addresses
    from kaon.dsl.sweeps import sweep_problems, swept

    from .sweep_values import checked_axes, parse_given

    if order.axes:
        given = checked_axes(workflow.settings_model, order.fixed, order.axes)
    else:
        given = parse_given(workflow.settings_model, order.values)
    problems = [*_contradictions(order), *given.problems]
    variables, over, how = _points(workflow, order, given, problems)
    known = addresses(workflow.settings_model)
    problems += [_unknown(address, known) for address in given.fixed if address not in known]
    problems += sweep_problems(workflow, variables, order.objective) if variables or not problems else ()
    if problems:
        raise SettingsError(tuple(dict.fromkeys(problems)))
    assert over is not None, "without problems there are points"
    logarithmic = [name for name, axis in given.axes.items() if getattr(axis, "log", False)]
    logarithmic += [name for name, axis in order.axes.items() if axis.get("log")]
    made = swept(
        workflow,
        variables,
        over,
        objective=order.objective,
        at_once=order.at_once,
        min_success=order.min_success,
        then=lambda measured: _board(measured, order.objective, logarithmic),
        report=REPORT,
    )
    left = addresses(made.settings_model)
    fixed = {address: value for address, value in given.fixed.items() if address in left}
    return Sweep(made, fixed, variables, _count(over), how)


def _board(measured: Mapping[str, Any], objective: "Objective | None", logarithmic: list[str]) -> Any:
    from kaon.steps.leaderboard import leaderboard_of

    given: dict[str, object] = {"logarithmic": logarithmic}
    if objective is not None:
        given |= {"objective": objective.name, "direction": objective.direction}
    return leaderboard_of(measured).with_(**given)


def _points(
    workflow: "Workflow", order: SweepOrder, given: "Given", problems: list[Problem]
) -> tuple[tuple[str, ...], "Points | Proposed | None", str]:
    """Return the settings that vary, the points, and how they were made; what is wrong is added to the problems."""
    from kaon.artifacts.launching.points import points_of
    from kaon.dsl.ir import Points
    from kaon.dsl.sampling import Space, grid, random_points

    from .sweep_points import points_in

    if order.axes:
        chosen = points_of(order.axes, order.sample, order.seed)
        return tuple(order.axes), Points(chosen), f"{len(chosen):,} points as they were asked for"
    if order.points:
        names, listed, found = points_in(Path(order.points), workflow.settings_model)
        problems += [*found, *(_twofold(name, order.points) for name in given.axes)]
        problems += [_twofold(name, order.points) for name in names if name in given.fixed]
        return names, Points(listed), f"listed in {order.points}"
    space = Space(tuple(given.axes.items()))
    if problems or not space.axes:
        return space.names, None, ""
    if order.drawn_by == "grid":
        problems += _endless(space)
        return space.names, None if problems else Points(grid(space)), _crossed(space)
    assert order.sample is not None, "it was asked for"
    if order.drawn_by == "random":
        drawn = random_points(space, order.sample, order.seed)
        return space.names, Points(drawn), f"drawn at random with seed {order.seed}"
    return (
        space.names,
        _search(space, order),
        f"proposed by TPE with seed {order.seed}, {order.at_once or BATCH} at a time",
    )


def _search(space: "Space", order: SweepOrder) -> "Proposed | None":
    from kaon.dsl.ir import Proposed

    objective = order.objective
    if objective is None or order.sample is None:
        return None
    count = min(order.sample, space.size or order.sample)
    batch = order.at_once or BATCH
    return Proposed(space, count, batch, objective.output, objective.metric, objective.direction, order.seed)


def _contradictions(order: SweepOrder) -> list[Problem]:
    sampler, problems = order.drawn_by, []
    if order.maximize and order.minimize:
        problems.append(Problem("--maximize and --minimize are both given", fix="points are ranked by one of them"))
    if order.points and sampler != "list":
        problems.append(Problem(f"--points and --sampler {sampler} exclude each other", fix="leave one of them out"))
    if sampler == "list" and not order.points:
        problems.append(Problem("--sampler list has no points", fix="give --points FILE.csv"))
    if sampler in ("random", "tpe") and order.sample is None:
        problems.append(Problem(f"--sampler {sampler} does not say how many points", fix="add --sample 100"))
    if sampler in ("grid", "list") and order.sample is not None:
        fix = "leave it out, or write --sampler random"
        problems.append(Problem(f"--sample {order.sample} and every point of a {sampler} exclude each other", fix=fix))
    if sampler == "tpe" and order.objective is None:
        why = "TPE proposes points where good ones are likely"
        problems.append(
            Problem("--sampler tpe does not know what is good", why=why, fix="add --maximize OUTPUT.METRIC")
        )
    return problems


def _endless(space: "Space") -> list[Problem]:
    problems = [
        Problem(
            f"{name} has no end of values for a grid",
            why="a range stands for every number in it",
            fix=f"say how many: {name}={axis.examples[0]:g}..{axis.examples[-1]:g}:5; or draw points: --sample 100",
        )
        for name, axis in space.axes
        if axis.listed is None
    ]
    size = space.size or 0
    if size > MOST_POINTS:
        why = f"{_crossed(space)} are more than {MOST_POINTS:,}"
        problems.append(Problem(f"the grid has {size:,} points", why=why, fix="draw some of them: --sample 1000"))
    return problems


def _crossed(space: "Space") -> str:
    return ", ".join(f"{name} × {len(axis.listed or ())}" for name, axis in space.axes)


def _count(over: "Points | Proposed") -> int:
    from kaon.dsl.ir import Points

    return len(over.points) if isinstance(over, Points) else over.count


def _twofold(name: str, path: str) -> Problem:
    return Problem(f"{name} is given, and points are listed in {path}", fix="give it in one of the two places")


def _unknown(address: str, known: tuple[str, ...]) -> Problem:
    why = "a setting is an input that nothing upstream provides, with a default; or a declared parameter"
    return Problem(f"there is no setting {address!r}", why=why, fix=did_you_mean(address, known))
