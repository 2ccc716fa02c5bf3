"""Steps on the task runners of Dask and Ray: in processes of their own, which end with the flow."""

import os
import time
from typing import Literal

import psutil
import pytest
from prefect import Flow, Task

from kaon.dsl.backends.prefect import task_runners
from kaon.dsl.backends.prefect.task_runners import RunnerMissing, task_runner

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("server")]


def tell_process(number: int) -> tuple[int, int]:
    time.sleep(0.3)
    return number, os.getpid()


@pytest.mark.parametrize("name", ["threads", "dask", "ray"])
def test_every_runner_gives_the_same_answer_and_leaves_no_process(name: Literal["threads", "dask", "ray"]) -> None:
    pytest.importorskip({"threads": "prefect", "dask": "prefect_dask", "ray": "prefect_ray"}[name])
    task = Task(tell_process)

    def tell_processes() -> list[tuple[int, int]]:
        futures = [task.submit(number) for number in range(6)]
        return [future.result() for future in futures]

    told = Flow(tell_processes, name=f"on_{name}", task_runner=task_runner(name, 2))()

    processes = {process for _, process in told}
    assert [number for number, _ in told] == list(range(6))
    assert (os.getpid() in processes) == (name == "threads")
    assert len(processes) <= 2
    deadline = time.monotonic() + 60
    while name != "threads" and any(map(psutil.pid_exists, processes)):
        assert time.monotonic() < deadline, f"{processes} live on"
        time.sleep(0.1)


def test_a_runner_that_is_not_installed_is_refused_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_runners, "find_spec", lambda package: None)

    with pytest.raises(RunnerMissing) as refused:
        task_runner("dask", 2)

    assert str(refused.value) == (
        "the task runner 'dask' is not installed\n\n"
        "  why: there is no package prefect_dask and no distributed here\n"
        '  fix: pip install "kaon[dask]", or task_runner="threads"'
    )


def test_an_existing_cluster_is_used_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("prefect_dask")
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://10.0.0.7:8786")

    assert task_runner("dask", 2).address == "tcp://10.0.0.7:8786"  # type: ignore[attr-defined]
