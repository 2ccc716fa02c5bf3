"""A run that is interrupted stops its steps, is recorded as cancelled, and can be continued."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kaon.artifacts import open_store

pytestmark = pytest.mark.prefect

FLOW = """
import time
from kaon import for_each, step, workflow

@step(output="slept")
def sleep_long(number: int) -> int:
    for _ in range(6000):
        time.sleep(0.1)
    return number

sleepers = workflow("sleepers", for_each(number=[1, 2, 3]).do(sleep_long))
"""


@pytest.mark.parametrize(("asked", "reason"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "stopped by SIGTERM")])
def test_an_interrupted_run_stops_its_steps_and_is_recorded_as_cancelled(
    asked: signal.Signals, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAON_GRACE", "2")
    monkeypatch.setenv("KAON_HOME", str(tmp_path / "home"))
    (tmp_path / "sleepers.py").write_text(FLOW)
    command = [sys.executable, "-m", "kaon.cli", "run", "sleepers.py", "--no-mlflow"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    next(line for line in process.stdout if "sleep_long" in line and "running" in line)
    time.sleep(0.5)

    process.send_signal(asked)
    began = time.monotonic()
    said, _ = process.communicate(timeout=400)

    assert time.monotonic() - began < 300
    assert process.returncode == 130
    assert reason in said
    records = open_store(tmp_path / "home" / "store").records
    assert (records.run(1).state, records.run(1).reason) == ("cancelled", reason)
    assert {step.state for step in records.step_runs(1)} == {"cancelled"}
