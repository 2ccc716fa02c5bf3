"""The lasting stack: `kaon up`, runs that find it, `kaon down`."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from kaon import stack
from kaon.artifacts.tracking import tracking_uri
from kaon.dsl.backends.prefect import own_server
from kaon.dsl.backends.prefect.server import prefect_server
from kaon.dsl.backends.prefect.worker_process import stop_worker

pytestmark = pytest.mark.prefect


def taken_port() -> tuple[socket.socket, int]:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    return taken, int(taken.getsockname()[1])


def entry(home: Path, server: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((home / "stack.json").read_text())[server]
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose stack is up, although all ports that it was to have are in use."""
    home = tmp_path_factory.mktemp("home")
    (first, prefect_port), (second, mlflow_port), (third, ui_port) = taken_port(), taken_port(), taken_port()
    with closing(first), closing(second), closing(third):
        prefect, mlflow, ui = stack.up(home, prefect_port=prefect_port, mlflow_port=mlflow_port, ui_port=ui_port)
    assert prefect.note == f"port {prefect_port} is in use, so it took another"
    assert mlflow.note == f"port {mlflow_port} is in use, so it took another"
    assert ui.note == f"port {ui_port} is in use, so it took another"
    yield home
    stack.down(home)


def test_the_servers_answer_where_the_stack_file_says(home: Path) -> None:
    prefect, mlflow = entry(home, "prefect"), entry(home, "mlflow")

    with urlopen(f"{prefect['url']}/health") as reply:
        assert reply.status == 200
    with urlopen(str(prefect["url"]).removesuffix("/api")) as reply:
        assert b"<!DOCTYPE html>" in reply.read(), "the UI"
    with urlopen(f"{mlflow['url']}/health") as reply:
        assert reply.read() == b"OK"
    with urlopen(f"{entry(home, 'ui')['url']}/runs") as reply:
        assert b"Nothing has run yet" in reply.read()


def test_a_second_up_starts_nothing_and_says_so(home: Path) -> None:
    before = (home / "stack.json").read_text()

    assert [server.note for server in stack.up(home)] == ["was up already"] * 3
    assert (home / "stack.json").read_text() == before


def test_runs_find_the_stack_and_leave_it_up(home: Path) -> None:
    with prefect_server(home) as api_url:
        assert api_url == entry(home, "prefect")["url"]

    assert own_server.answers(api_url, timeout=60)
    assert tracking_uri(home) == entry(home, "mlflow")["url"]


def test_mlflow_keeps_runs_in_its_home(home: Path) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(str(entry(home, "mlflow")["url"]))
    run = client.create_run(client.create_experiment("kept"))

    assert (home / "mlflow" / "mlflow.db").exists()
    assert run.info.artifact_uri.startswith((home / "mlflow" / "artifacts").as_uri())


def test_the_command_tells_where_the_servers_are(home: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "kaon.cli", "up"],
        env={**os.environ, "KAON_HOME": str(home)},
        capture_output=True,
        text=True,
    )

    assert told.returncode == 0, told.stderr
    assert told.stdout == (
        f"Prefect  {str(entry(home, 'prefect')['url']).removesuffix('/api')}  (was up already)\n"
        f"MLflow   {entry(home, 'mlflow')['url']}  (was up already)\n"
        f"Kaon     {entry(home, 'ui')['url']}  (was up already)\n"
        "Worker   executes what is launched and scheduled\n"
    )
    assert stop_worker(home)  # which uses the Prefect server for as long as it lives


def test_down_stops_all_and_a_second_down_has_nothing_to_stop(home: Path) -> None:
    prefect, mlflow, ui = entry(home, "prefect"), entry(home, "mlflow"), entry(home, "ui")

    stopped = stack.down(home)

    assert [(server.name, server.note) for server in stopped] == [("Prefect", ""), ("MLflow", ""), ("Kaon", "")]
    assert not own_server.answers(str(prefect["url"]), timeout=1)
    with pytest.raises(OSError):
        urlopen(f"{mlflow['url']}/health", timeout=1)
    with pytest.raises(OSError):
        urlopen(f"{ui['url']}/login", timeout=1)
    assert not (home / "stack.json").exists()
    assert stack.down(home) == ()


def test_down_without_a_home_makes_none(tmp_path: Path) -> None:
    assert stack.down(tmp_path / "nothing") == ()
    assert not (tmp_path / "nothing").exists()


def test_a_server_that_a_run_uses_stays_for_that_run_and_ends_with_it(tmp_path: Path) -> None:
    with own_server.shared_server(tmp_path) as address:
        up = stack._prefect_up(tmp_path, stack.PREFECT_PORT)
        assert up.note == "started by a run that goes on; it stays from now on"

        down = stack.down(tmp_path)
        assert [server.note for server in down] == ["a run still uses it: it ends with that run"]
        assert own_server.answers(address.url, timeout=60)

    assert own_server.running(tmp_path / "prefect") is None


def test_an_mlflow_that_ends_while_it_starts_is_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db").write_text("this is no database, and it is longer than the header of one " * 20)
    address, started = stack._mlflow_found_or_started(tmp_path, stack.MLFLOW_PORT)

    with pytest.raises(stack.StackError) as raised:
        stack._wait_for_mlflow(tmp_path, address)

    assert started
    assert str(raised.value).startswith("the MLflow server ended while it started\n")
    assert "file is not a database" in str(raised.value)
    assert str(raised.value).endswith("fix: mend what the log names, and say `kaon up` again")
