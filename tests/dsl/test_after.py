"""What runs again when a run is restarted from a step: the step, and all that follows it."""

import pytest
from tests.shapes import add, double, find_markets, measure, shift, square, start

from kaon.dsl import Workflow, for_each, repeat, step, workflow
from kaon.dsl.plan import after


@step(output="enough")
def judge(total: int) -> bool:
    return total > 0


flow = workflow(
    "flow",
    start
    >> [double, square]
    >> add
    >> repeat(until="enough", at_most=2).do(judge >> start.named("again").rename(number="more"))
    >> find_markets
    >> for_each(market="markets").do(measure >> for_each(offset=[1, 2]).do(shift)),
)


def names(flow: Workflow, step_name: str) -> list[str]:
    chosen = frozenset(call.path for call in flow.plan.calls() if call.step == step_name)
    return [path.rpartition("/")[2] for path in after(flow.plan, chosen)]


@pytest.mark.parametrize(
    ("first", "following"),
    [
        ("start", ["start", "double", "square", "add", "judge", "again", "find_markets", "measure", "shift"]),
        ("double", ["double", "add", "judge", "again", "find_markets", "measure", "shift"]),
        ("again", ["again", "find_markets", "measure", "shift"]),
        ("measure", ["measure", "shift"]),
        ("shift", ["shift"]),
    ],
)
def test_what_stands_beside_a_step_does_not_follow_it(first: str, following: list[str]) -> None:
    assert names(flow, first) == following
