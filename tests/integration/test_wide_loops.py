"""Wide loops on Prefect: items in worker processes, and what becomes of them when processes die."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kaon import Process, Resources, current_step, for_each, step, workflow
from kaon.artifacts import Metrics, Store, open_store
from kaon.dsl.backends import Engine, Result, run
from kaon.dsl.events import ItemsEvent

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("server")]

WIDE = Engine(wide=2, workers=2, steps_at_once=2)


@step(output="numbers")
def numbers(*, many: int = 20) -> list[int]:
    return list(range(many))


@step(output="squared", retries=1)
def square(number: int) -> int:
    return number * number


@step(output="total")
def add(squared: Mapping[int, int]) -> int:
    return sum(squared.values())


@step(output="noted")
def note(number: int) -> Metrics:
    print(f"number {number}")
    current_step().progress(0.5, "half way")
    current_step().metrics({"loss": 1 / (number + 1)})
    return Metrics(loss=1 / (number + 1))


@step(output="squared")
def kill_worker_once(number: int, *, marks: str = "") -> int:
    """Kill the worker process at the first try of the number 7."""
    mark = Path(marks) / f"{number}"
    first = not mark.exists()
    mark.touch()
    if number == 7 and first:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


@step(output="squared")
def be_poison(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


@step(output="squared", timeout=timedelta(seconds=1))
def hang(number: int) -> int:
    if number == 3:  # a wait that no exception inside the process ends
        subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"], check=True)
    return number * number


@step(output="grown", place=Process(), resources=Resources(cpus=1, memory="300MiB"))
def grow(*, megabytes: int = 1) -> int:
    held = bytearray(megabytes << 20)
    time.sleep(1.5)
    return len(held)


@step(output="pid", place=Process())
def tell_pid() -> int:
    print("from a process of its own")
    return os.getpid()


def on_prefect(flow: Any, store: Store, settings: Mapping[str, object] | None = None, **more: Any) -> Result:
    return run(flow, settings, store=store, backend="prefect", engine=WIDE, raises=False, **more)


def ends(store: Store, run_id: int, name: str) -> Counter[str]:
    return Counter(record.state for record in store.records.step_runs(run_id) if record.step == name)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def test_every_item_of_a_wide_loop_is_recorded_and_handed_on(store: Store) -> None:
    events: list[Any] = []
    flow = workflow("wide", numbers >> for_each(number="numbers").do(square) >> add)

    result = on_prefect(flow, store, {"numbers.many": 300}, on_event=events.append)

    assert (result["total"], result.notes) == (sum(n * n for n in range(300)), ())
    assert ends(store, result.run_id, "square") == {"completed": 300}
    told = [event for event in events if isinstance(event, ItemsEvent)]
    assert told[-1].counts == {"completed": 300}
    assert not any(getattr(event, "step", "") == "square" for event in events)
    (items,) = [path for path in store.records.overview(result.run_id).paths if path.step == "square"]
    assert (items.total, items.counts) == (300, {"completed": 300})


def test_a_second_run_skips_every_item(store: Store) -> None:
    flow = workflow("wide", numbers >> for_each(number="numbers").do(square) >> add)
    on_prefect(flow, store)

    result = on_prefect(flow, store)

    assert ends(store, result.run_id, "square") == {"skipped": 20}


def test_what_an_item_says_in_a_worker_process_is_in_the_records(store: Store) -> None:
    result = on_prefect(workflow("noting", numbers >> for_each(number="numbers").do(note)), store)

    said = Counter((message.kind, message.text) for message in store.records.messages(result.run_id, "note"))
    assert said["log", "number 7"] == 1
    assert said["progress", "half way"] == 20
    assert result["noted"][3]["loss"] == 0.25


def test_a_worker_that_is_killed_loses_no_item(store: Store, tmp_path: Path) -> None:
    flow = workflow("killed", numbers >> for_each(number="numbers").do(kill_worker_once) >> add)

    result = on_prefect(flow, store, {"kill_worker_once.marks": str(tmp_path)})

    assert (result.state, result["total"]) == ("completed", sum(n * n for n in range(20)))
    assert ends(store, result.run_id, "kill_worker_once") == {"completed": 20}
    said = [message.text for message in store.records.messages(result.run_id, "kill_worker_once")]
    assert said == ["its worker process died: its process was killed by signal 9 (SIGKILL): out of memory?"]


def test_an_item_that_keeps_killing_workers_fails_and_the_rest_goes_on(store: Store) -> None:
    body = for_each(number="numbers").do(be_poison, on_failure="continue", min_success=19)

    result = on_prefect(workflow("poison", numbers >> body >> add), store)

    assert (result.state, result["total"]) == ("completed", sum(n * n for n in range(20)) - 49)
    (failure,) = result.tolerated
    assert failure.place == "poison/for_each[number=7]/be_poison"
    assert "3 worker processes died while they ran it" in failure.cause
    assert result.reason == "1 item failed, and the run went on without"


def test_a_timeout_kills_what_hangs_outside_of_python(store: Store) -> None:
    body = for_each(number="numbers").do(hang, on_failure="continue")
    began = time.monotonic()

    result = on_prefect(workflow("hanging", numbers >> body >> add), store, {"numbers.many": 6})

    assert result["total"] == sum(n * n for n in range(6)) - 9
    assert [failure.cause for failure in result.tolerated] == ["TimedOut: it took longer than its timeout of 1 s"]
    assert time.monotonic() - began < 300


def test_a_step_runs_in_a_process_of_its_own(store: Store) -> None:
    result = on_prefect(workflow("apart", tell_pid), store)

    assert result["pid"] != os.getpid()
    assert [message.text for message in store.records.messages(result.run_id)] == ["from a process of its own"]


def test_a_step_is_held_to_its_memory(store: Store) -> None:
    result = on_prefect(workflow("growing", grow), store, {"grow.megabytes": 900})

    (failure,) = result.failures
    assert failure.cause.startswith("OutOfMemory: it used ")
    assert failure.cause.endswith("and its limit is 300 MiB")


def test_a_step_that_asks_for_more_than_the_machine_has_says_so(store: Store) -> None:
    @step(output="huge", place=Process(), resources=Resources(cpus=4096))
    def ask_too_much() -> int:
        return 1

    result = on_prefect(workflow("asking", ask_too_much), store)

    assert result.failures[0].cause.startswith("TooLarge: ")


def test_two_runs_at_once_compute_each_item_once(store: Store, tmp_path: Path) -> None:
    marks = tmp_path / "marks"

    @step(output="squared")
    def work(number: int) -> int:
        time.sleep(0.05)
        with marks.open("a") as file:
            file.write(f"{number}\n")
        return number * number

    flow = workflow("shared", numbers >> for_each(number="numbers").do(work) >> add)
    results: list[Result] = []
    threads = [threading.Thread(target=lambda: results.append(_locally(flow, store))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [result["total"] for result in results] == [sum(n * n for n in range(20))] * 2
    assert sorted(map(int, marks.read_text().split())) == list(range(20))


def _locally(flow: Any, store: Store) -> Result:
    return run(flow, store=store, engine=WIDE)


@pytest.mark.parametrize("at_once", [1, 3])
def test_no_more_items_than_asked_for_are_under_way(store: Store, tmp_path: Path, at_once: int) -> None:
    @step(output="spans")
    def span(number: int) -> list[float]:
        began = time.time()
        time.sleep(0.1)
        return [began, time.time()]

    result = on_prefect(
        workflow("few", numbers >> for_each(number="numbers").do(span, at_once=at_once)), store, {"numbers.many": 6}
    )

    spans = list(result["spans"].values())
    most = max(sum(other[0] <= one[0] < other[1] for other in spans) for one in spans)
    assert most <= at_once
