"""What a run is asked to do besides what its workflow says: which steps run anyway, and which run it continues."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from kaon.artifacts import Store

from ..errors import Problem, SettingsError, did_you_mean
from ..events import Event
from ..plan import Json, Plan, after
from ..workflow import Workflow
from .engine import Engine
from .run_session import Request
from .session import Tracker


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is asked to do besides what its workflow says; the names are those of steps."""

    force: tuple[str, ...] = ()
    """Run even if the store holds their outputs."""
    hold_before: tuple[str, ...] = ()
    """A person is asked before they run."""
    resume: int | None = None
    """The run to continue; None for a new one."""
    again_from: str | None = None
    """With resume: this step runs again, and all that follows it."""
    tags: Mapping[str, str] = field(default_factory=dict)
    tracker: Tracker | None = None
    on_event: Callable[[Event], None] | None = None

    def request(
        self, workflow: Workflow, settings: Mapping[str, Json], store: Store, backend: str, engine: Engine
    ) -> Request:
        """Return the request for a run of a workflow. Raises SettingsError for names of no step."""
        plan = workflow.plan
        first = _paths(plan, [] if self.again_from is None else [self.again_from], "run again from", "")
        again = after(plan, frozenset(first)) if first else ()
        return Request(
            workflow,
            settings,
            store,
            backend,
            engine,
            {
                **_paths(plan, self.force, "force", "forced: --force {step}"),
                **dict.fromkeys(again, f"asked to run again from {self.again_from}"),
            },
            frozenset(_paths(plan, self.hold_before, "hold before", "{step}").values()),
            self.resume,
            again,
            self.tags,
            self.tracker,
            self.on_event,
        )


def _paths(plan: Plan, names: Iterable[str], what: str, told: str) -> dict[str, str]:
    """Return the paths of the calls of these steps, with what is to be told of each."""
    chosen = tuple(names)
    known = {call.step for call in plan.calls()} if chosen else set()
    problems = [
        Problem(f"there is no step {name!r} to {what}", fix=did_you_mean(name, known))
        for name in chosen
        if name not in known
    ]
    if problems:
        raise SettingsError(problems)
    return {call.path: told.format(step=call.step) for call in plan.calls() if call.step in chosen}
