"""Every shipped flow as its golden files show it: what it runs, in which order, and where every input comes from."""

import json
import pkgutil
from importlib import import_module
from typing import Any

import pytest
from tests.goldens import assert_golden

import kaon.flows
from kaon.dsl import Plan, Workflow
from kaon.dsl.show import as_mermaid, as_text

MODULES = [module.name for module in pkgutil.iter_modules(kaon.flows.__path__)]
FLOWS = {
    value.name: value
    for module in MODULES
    for value in vars(import_module(f"kaon.flows.{module}")).values()
    if isinstance(value, Workflow)
}


def test_there_are_flows() -> None:
    assert "recommendations" in FLOWS


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_a_shipped_flow_prints_as_text(flow: Workflow) -> None:
    assert_golden(f"flows/{flow.name}.txt", as_text(flow.plan))


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_a_shipped_flow_prints_as_mermaid(flow: Workflow) -> None:
    assert_golden(f"flows/{flow.name}.mmd", as_mermaid(flow.plan))


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_a_shipped_flow_prints_as_json(flow: Workflow) -> None:
    printed = json.dumps(_without_code(json.loads(flow.plan.to_json())), indent=2, ensure_ascii=False)

    assert_golden(f"flows/{flow.name}.json", printed + "\n")


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_the_json_of_a_shipped_flow_reads_back_to_its_plan(flow: Workflow) -> None:
    assert Plan.from_json(flow.plan.to_json()) == flow.plan


def _without_code(part: Any) -> Any:
    match part:
        case dict():
            is_call = part.get("node") == "call"
            return {key: _without_code(value) for key, value in part.items() if not (is_call and key == "code")}
        case list():
            return [_without_code(item) for item in part]
        case _:
            return part
