"""What Prefect sees and shows of a run."""

import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from pydantic import BaseModel

from kaon.artifacts import Store, open_store
from kaon.dsl import current_step, for_each, step, workflow
from kaon.dsl.backends import run, to_prefect

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("server")]

meeting = threading.Barrier(2, timeout=60)


@step(output="left")
def meet_left() -> int:
    return meeting.wait() * 0


@step(output="right")
def meet_right() -> int:
    return meeting.wait() * 0


@step(output="met")
def meet(place: str) -> str:
    meeting.wait()
    return place


@step(output="numbers")
def list_numbers(*, count: int = 2) -> list[int]:
    return list(range(count))


@step(output="squared")
def square(number: int) -> int:
    return number * number


@step(output="total")
def add_up(squared: Mapping[int, int]) -> int:
    return sum(squared.values())


@step(output="steady", retries=2)
def steady_at_last() -> int:
    if current_step().attempt < 3:
        raise ConnectionError("not yet")
    return 1


@step(output="slow")
def report_progress() -> int:
    current_step().progress(0.25, "a quarter")
    time.sleep(1.1)
    current_step().progress(1.0, "all of it")
    return 1


class Params(BaseModel):
    engine: Literal["spark", "implicit"] = "spark"


@step(output="trained")
def train(engine: str, *, rank: int = 8) -> str:
    """Train.

    rank: length of the vectors.
    """
    return f"{engine} {rank}"


squares = workflow("squares", list_numbers >> for_each(number="numbers").do(square) >> add_up)
training = workflow("training", train, params=Params)


def test_parallel_branches_run_at_the_same_time(tmp_path: Path) -> None:
    result = run(workflow("meeting", [meet_left, meet_right]), store=open_store(tmp_path), backend="prefect")

    assert result.state == "completed"


def test_the_items_of_a_loop_run_at_the_same_time(tmp_path: Path) -> None:
    rendezvous = workflow("rendezvous", for_each(place=["here", "there"]).do(meet))

    result = run(rendezvous, store=open_store(tmp_path), backend="prefect")

    assert dict(result["met"]) == {"here": "here", "there": "there"}


def test_every_step_is_one_task_run_named_by_its_path_and_items(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    result = run(squares, store=store, backend="prefect")

    assert sorted(task["name"] for task in task_runs(store, result.run_id)) == [
        "add_up",
        "for_each[number=0]/square",
        "for_each[number=1]/square",
        "list_numbers",
    ]


def test_prefects_run_graph_has_an_edge_from_every_step_to_those_that_read_it(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    result = run(squares, store=store, backend="prefect")

    by_id = {task["id"]: task for task in task_runs(store, result.run_id)}
    upstream = {
        task["name"]: sorted({by_id[edge["id"]]["name"] for edges in task["task_inputs"].values() for edge in edges})
        for task in by_id.values()
    }
    assert upstream["add_up"] == ["for_each[number=0]/square", "for_each[number=1]/square"]
    assert upstream["for_each[number=0]/square"] == ["list_numbers"]
    assert upstream["list_numbers"] == []


def test_prefect_shows_the_retries_of_a_step(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    result = run(workflow("retried", steady_at_last), store=store, backend="prefect")

    (task,) = task_runs(store, result.run_id)
    (record,) = store.records.step_runs(result.run_id)
    assert (task["run_count"], task["state_type"]) == (3, "COMPLETED")
    assert (record.tries, record.state) == (3, "completed")


def test_a_skipped_step_is_a_completed_task_run_whose_state_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    first = run(squares, store=store, backend="prefect")

    second = run(squares, store=store, backend="prefect")

    states = {(task["state_type"], task["state_name"]) for task in task_runs(store, second.run_id)}
    assert states == {("COMPLETED", "Skipped")}
    reasons = {task["state"]["message"] for task in task_runs(store, second.run_id)}
    assert reasons == {f"same code, settings and inputs as run {first.run_id}"}


def test_progress_and_results_are_prefect_artifacts(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    result = run(workflow("telling", report_progress), store=store, backend="prefect")

    shown = {artifact["type"]: artifact for artifact in api("artifacts", flow_run_id(store, result.run_id))}
    assert shown["progress"]["data"] == 100.0
    assert shown["progress"]["description"] == "all of it"
    assert f"kaon artifact {result.artifact('slow').id}" in shown["markdown"]["data"]


def test_a_failed_run_is_a_failed_flow_run_that_names_the_step(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    @step(output="never")
    def break_down() -> int:
        raise ValueError("out of order")

    result = run(workflow("broken", break_down), store=store, backend="prefect", raises=False)

    flow_run = httpx.get(f"{address()}/flow_runs/{flow_run_id(store, result.run_id)}").json()
    assert flow_run["state_type"] == "FAILED"
    assert "broken/break_down" in flow_run["state"]["message"]


def test_the_flows_parameters_are_the_workflows_settings_typed_and_explained() -> None:
    schema = to_prefect(training).parameters.model_dump()

    assert list(schema["properties"]) == ["engine", "train"]
    assert schema["properties"]["engine"]["enum"] == ["spark", "implicit"]
    assert schema["properties"]["engine"]["default"] == "spark"
    rank = schema["definitions"]["train"]["properties"]["rank"]
    assert (rank["type"], rank["default"], rank["description"]) == ("integer", 8, "length of the vectors.")


def test_a_flow_called_by_prefect_records_a_run_in_the_home(server: Path) -> None:
    run_id = to_prefect(training)(engine="implicit", train={"rank": 16})

    store = open_store()
    record = store.records.run(run_id)
    assert (record.state, record.settings) == ("completed", {"engine": "implicit", "train.rank": 16})
    assert [step_run.state for step_run in store.records.step_runs(run_id)] == ["completed"]


def test_values_of_the_wrong_type_are_refused_by_the_flow() -> None:
    from prefect.exceptions import ParameterTypeError

    with pytest.raises(ParameterTypeError, match="rank"):
        to_prefect(training)(train={"rank": "many"})


def task_runs(store: Store, run_id: int) -> list[dict[str, Any]]:
    return api("task_runs", flow_run_id(store, run_id))


def flow_run_id(store: Store, run_id: int) -> str:
    return store.records.run(run_id).tags["prefect.flow_run"]


def api(what: str, flow_run: str) -> list[dict[str, Any]]:
    asked = {"flow_runs": {"id": {"any_": [flow_run]}}}
    found: list[dict[str, Any]] = httpx.post(f"{address()}/{what}/filter", json=asked).json()
    return found


def address() -> str:
    from prefect.settings import PREFECT_API_URL

    return str(PREFECT_API_URL.value())


def test_a_step_may_be_called_as_an_attribute_of_pydantic_without_a_warning() -> None:
    @step(output="valid")
    def validate(*, minimum: int = 1) -> bool:
        return minimum > 0

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flow = to_prefect(workflow("checked", validate))
        assert flow.validate_parameters({"validate": {"minimum": 2}})["validate"].minimum == 2
