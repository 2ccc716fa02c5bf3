"""Waiting until Prefect has recorded what a flow run did: its task runs arrive as events, after the flow has ended."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the Prefect server shows of a flow run's tasks."""

    expected: int
    """Task runs that the run had."""
    terminal: int
    """Task runs that the server shows in a terminal state."""
    unfinished: tuple[str, ...]
    """Names of the task runs that it shows in another state; at most a hundred."""
    seconds: float
    """How long was waited."""

    @property
    def complete(self) -> bool:
        """Whether every expected task run is shown as ended."""
        return self.terminal >= self.expected

    def __str__(self) -> str:
        if self.complete:
            return f"Prefect shows all {self.expected} task runs"
        named = f", among them {', '.join(self.unfinished[:5])}," if self.unfinished else ""
        return (
            f"Prefect shows {self.terminal} of {self.expected} task runs as ended after {self.seconds:.0f} s; "
            f"the others{named} are missing in its view only: Kaon's own records are complete"
        )


def wait_until_recorded(api_url: str, flow_run_id: UUID | str, expected: int, bound: float) -> Recorded:
    """Return what the server shows, as soon as `expected` task runs are terminal, or after `bound` seconds."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    started = time.monotonic()
    pause = 0.05
    with temporary_settings({PREFECT_API_URL: api_url}), get_client(sync_client=True) as client:
        while True:
            terminal = _count_terminal(client, flow_run_id)
            seconds = time.monotonic() - started
            if terminal >= expected:
                return Recorded(expected, terminal, (), seconds)
            if seconds >= bound:
                return Recorded(expected, terminal, _unfinished(client, flow_run_id), seconds)
            time.sleep(min(pause, max(0.0, bound - seconds)))
            pause = min(2 * pause, 0.5)


def _count_terminal(client: "SyncPrefectClient", flow_run_id: UUID | str) -> int:
    reply = client.request(
        "POST",
        "/task_runs/count",
        json={
            "flow_runs": {"id": {"any_": [str(flow_run_id)]}},
            "task_runs": {"state": {"type": {"any_": list(TERMINAL)}}},
        },
    )
    reply.raise_for_status()
    return int(reply.json())


def _unfinished(client: "SyncPrefectClient", flow_run_id: UUID | str) -> tuple[str, ...]:
    reply = client.request(
        "POST",
        "/task_runs/filter",
        json={"flow_runs": {"id": {"any_": [str(flow_run_id)]}}, "limit": 200},
    )
    reply.raise_for_status()
    return tuple(sorted(run["name"] for run in reply.json() if run["state_type"] not in TERMINAL))[:100]
