"""A step that reads what is none of its inputs runs in every run; what follows is skipped if it made the same."""

from kaon.artifacts import open_store
from kaon.dsl import step, workflow
from kaon.dsl.backends import run

published = ["v1"]
made: list[str] = []


@step(output="champion", reusable=False)
def find() -> str:
    made.append("find")
    return published[-1]


@step(output="judged")
def judge(champion: str) -> str:
    made.append("judge")
    return f"against {champion}"


def test_a_step_that_looks_outside_is_never_skipped_and_what_follows_is_if_nothing_changed():
    store, flow = open_store("memory://"), workflow("looking", find >> judge)
    run(flow, store=store)
    run(flow, store=store)
    published.append("v2")

    result = run(flow, store=store)

    assert made == ["find", "judge", "find", "find", "judge"]
    assert result["judged"] == "against v2"


def test_why_it_runs_again_is_recorded():
    store, flow = open_store("memory://"), workflow("looking", find >> judge)
    run(flow, store=store)
    events = []

    run(flow, store=store, on_event=events.append)

    said = {
        event.step: event.reason
        for event in events
        if getattr(event, "state", "") == "completed" and hasattr(event, "step")
    }
    assert said["find"] == "it reads what is none of its inputs"
