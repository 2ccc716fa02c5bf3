"""The process that `kaon up` leaves: it knows the shipped workflows, takes up runs, and ends when it is told to."""

import time
from pathlib import Path

import pytest

from kaon.artifacts import open_store
from kaon.dsl.backends.prefect.worker_process import start_worker, stop_worker, worker_lives

pytestmark = pytest.mark.prefect


def test_a_process_that_executes_what_is_launched_stays_until_it_is_ended(tmp_path: Path) -> None:
    assert start_worker(tmp_path) and not start_worker(tmp_path) and worker_lives(tmp_path)
    deadline = time.monotonic() + 120
    while "waiting for runs" not in (tmp_path / "worker.log").read_text():
        assert worker_lives(tmp_path) and time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
        time.sleep(0.2)

    known = [one.name for one in open_store(tmp_path / "store").records.registered_workflows()]
    assert {"als_sweep", "recommendations"} <= set(known)
    assert stop_worker(tmp_path) and not worker_lives(tmp_path)
    assert not stop_worker(tmp_path)
