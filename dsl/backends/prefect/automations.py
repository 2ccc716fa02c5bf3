"""What Kaon wants a Prefect server to do by itself: mark dead runs, and tell people of failed and late ones.

Prefect's own way to find dead runs waits for heartbeats that do not come, and marks runs that live
(PrefectHQ/prefect#20887, #21932). Kaon's records know which process had a run, so here the automation waits for an
event that says so, sent by whoever looked: see `dead_runs`.
"""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .notices import action_that_tells, keep_address

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.events.actions import ActionTypes
    from prefect.events.schemas.automations import AutomationCore

RUN_DIED = "kaon.run.died"
"""The event that says of a flow run that its process is gone."""
DEAD_RUNS = "Kaon: dead runs"
FAILED_RUNS = "Kaon: failed runs"
LATE_RUNS = "Kaon: late runs"
FAILED = 'flow.name ~ " failed: " ~ flow_run.state.message'
LATE = 'flow.name ~ " is late: it should have begun at " ~ flow_run.expected_start_time'
KAON = "kaon"
"""The tag of everything that Kaon makes on a Prefect server."""


def ensure_automations(client: "SyncPrefectClient", *, notify: str = "") -> list[str]:
    """Make or mend Kaon's automations, and return a line for each that was; none if all were there.

    notify: whom to tell of deployed runs that failed or are late: a URL that takes JSON by POST, or
        `<block type>/<name>` of one of Prefect's notification blocks; by default what KAON_NOTIFY names. Without one,
        the automations that tell are left as they are.

    Raises NotifyError if there is no such block.
    """
    notify = notify or os.environ.get("KAON_NOTIFY", "")
    wanted = [_dead_runs()]
    lines = []
    if notify:
        lines.append(keep_address(client, notify))
        wanted += [
            _telling(FAILED_RUNS, ("Failed", "Crashed", "TimedOut"), action_that_tells(client, notify, FAILED)),
            _telling(LATE_RUNS, ("Late",), action_that_tells(client, notify, LATE)),
        ]
    lines += [_ensured(client, automation) for automation in wanted]
    return [line for line in lines if line]


def _ensured(client: "SyncPrefectClient", wanted: "AutomationCore") -> str:
    found = next((known for known in client.read_automations_by_name(wanted.name) if known.name == wanted.name), None)
    if found is None:
        client.create_automation(wanted)
        return f"made the automation {wanted.name!r}: {wanted.description}"
    fields = ("description", "trigger", "actions", "tags")
    if all(_shown(found, field) == _shown(wanted, field) for field in fields) and found.enabled:
        return ""
    client.update_automation(found.id, wanted)
    return f"mended the automation {wanted.name!r}: {wanted.description}"


def _shown(automation: "AutomationCore", field: str) -> object:
    """Return a field as JSON, without the ids that the server gives to the triggers."""
    value = automation.model_dump(mode="json", include={field})[field]
    if isinstance(value, dict):
        return {
            name: sorted(inner) if isinstance(inner, list) else inner for name, inner in value.items() if name != "id"
        }
    return value


def _dead_runs() -> "AutomationCore":
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState

    return _automation(
        DEAD_RUNS,
        "marks a run as crashed when Kaon's records show that its process is gone",
        (RUN_DIED,),
        {},
        ChangeFlowRunState(state=StateType.CRASHED, name="Crashed", message="its process died", force=False),
    )


def _telling(name: str, states: Iterable[str], action: "ActionTypes") -> "AutomationCore":
    events = [f"prefect.flow-run.{state}" for state in states]
    related = {"prefect.resource.id": f"prefect.tag.{KAON}", "prefect.resource.role": "tag"}
    what = "failed" if name == FAILED_RUNS else "did not begin in time"
    return _automation(name, f"tells of a deployed workflow whose run {what}", events, related, action)


def _automation(
    name: str, description: str, events: Iterable[str], related: dict[str, str], action: "ActionTypes"
) -> "AutomationCore":
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    trigger = EventTrigger(
        expect=set(events),
        match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
        match_related=ResourceSpecification(related),  # type: ignore[arg-type]
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
    )
    return AutomationCore(
        name=name, description=description, enabled=True, tags=[KAON], trigger=trigger, actions=[action]
    )
