"""A Prefect server for a run: found, shared, adopted, ended; and what it has recorded when the run is over."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from kaon.dsl.backends.prefect import own_server, serve
from kaon.dsl.backends.prefect.server import PrefectServerError, prefect_server, wait_until_recorded

pytestmark = pytest.mark.prefect

RUN = """
import sys
from pathlib import Path
from kaon.dsl.backends.prefect.own_server import shared_server

with shared_server(Path(sys.argv[1])) as address:
    print(address.url, address.pid, flush=True)
    sys.stdin.readline()
"""


class Run:
    """Another process that uses the home's server until it is told to leave, or killed."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        url, pid = self.process.stdout.readline().split()
        self.address = own_server.Address(url, int(pid))

    def leave(self) -> None:
        self.process.communicate("\n", timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(autouse=True)
def no_server_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose server stays up for all tests of this file."""
    folder = tmp_path_factory.mktemp("home")
    with own_server.shared_server(folder):
        yield folder


def flow_run_of(tasks: int) -> UUID:
    """Run a flow of that many tasks against the server of this context."""
    from prefect import flow, task
    from prefect.runtime import flow_run
    from prefect.task_runners import ThreadPoolTaskRunner

    @task
    def double(number: int) -> int:
        return 2 * number

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=4))  # type: ignore[arg-type]
    def doubled() -> UUID:
        assert double.map(range(tasks)).result() == [2 * number for number in range(tasks)]
        return UUID(flow_run.id)

    return doubled()


def test_every_task_run_is_recorded_soon_after_the_flow_has_ended(home: Path) -> None:
    with prefect_server(home) as api_url:
        seen = wait_until_recorded(api_url, flow_run_of(40), expected=40, bound=60)

        assert seen.complete
        assert str(seen) == "Prefect shows all 40 task runs"


def test_waiting_for_task_runs_that_never_come_is_bounded_and_says_how_many_are_missing(home: Path) -> None:
    with prefect_server(home) as api_url:
        seen = wait_until_recorded(api_url, flow_run_of(2), expected=3, bound=3)

    assert (seen.terminal, seen.complete) == (2, False)
    assert 3 <= seen.seconds < 60
    assert str(seen) == (
        f"Prefect shows 2 of 3 task runs as ended after {seen.seconds:.0f} s; the others are missing in its view only: "
        "Kaon's own records are complete"
    )


def test_what_a_run_still_had_to_tell_reaches_the_server_before_the_run_lets_go_of_it(home: Path) -> None:
    with prefect_server(home):
        flow_run = flow_run_of(20)

    address = own_server.running(home / "prefect")
    assert address is not None
    assert wait_until_recorded(address.url, flow_run, expected=20, bound=60).complete


def test_prefects_own_lines_stay_off_the_terminal(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with prefect_server(home):
        flow_run_of(1)

    shown = capsys.readouterr()
    assert "Finished in state" not in shown.err + shown.out


def test_a_server_that_the_user_names_is_used(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    address = own_server.running(home / "prefect")
    assert address is not None
    monkeypatch.setenv("PREFECT_API_URL", address.url)

    with prefect_server(tmp_path) as api_url:
        assert api_url == address.url

    assert list(tmp_path.iterdir()) == []


def test_a_named_server_that_does_not_answer_is_an_error_that_names_it_and_the_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")

    with pytest.raises(PrefectServerError) as raised, prefect_server(tmp_path):
        pass

    assert str(raised.value) == (
        "no Prefect server answers at http://127.0.0.1:1/api, which PREFECT_API_URL names\n"
        "\n"
        "  why: [Errno 111] Connection refused\n"
        "  fix: start that server, or unset PREFECT_API_URL: a run then starts a server of its own"
    )


def test_an_address_where_something_else_answers_is_not_taken_for_a_prefect_server(
    monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path
) -> None:
    address = own_server.running(home / "prefect")
    assert address is not None
    monkeypatch.setenv("PREFECT_API_URL", address.url + "/nowhere")

    with pytest.raises(PrefectServerError, match="it answers with status 404"), prefect_server(tmp_path):
        pass


def test_runs_at_once_share_a_server_that_outlives_killed_ones_and_ends_with_the_last(tmp_path: Path) -> None:
    first = Run(tmp_path)
    second = Run(tmp_path)
    assert second.address == first.address

    first.kill()
    assert own_server.answers(second.address.url, timeout=60)

    second.kill()
    with own_server.shared_server(tmp_path) as adopted:
        assert adopted == first.address
        third = Run(tmp_path)
    assert own_server.answers(third.address.url, timeout=60), "a run still uses it"

    third.leave()
    assert own_server.running(tmp_path / "prefect") is None
    assert not own_server.answers(first.address.url, timeout=1)


def test_a_server_whose_port_is_in_use_takes_another() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with serve.listen(port) as listening:
            assert listening.getsockname()[1] not in (0, port)


def test_a_server_that_ends_while_it_starts_is_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    folder = own_server.server_folder(tmp_path)
    (folder / "prefect.db").write_text("this is no database, and it is longer than the header of one " * 20)

    with pytest.raises(PrefectServerError) as raised, own_server.shared_server(tmp_path):
        pass

    message = str(raised.value)
    assert message.startswith("the Prefect server of this home ended while it started\n")
    assert "file is not a database" in message
    assert message.endswith("fix: mend what the log names, or set PREFECT_API_URL to a server that runs")


UNUSED = """
import sys, threading, time
from pathlib import Path
from kaon.dsl.backends.prefect import serve

serve.UNUSED_SECONDS, serve.LOOK_EVERY = 0.3, 0.05
threading.Thread(target=serve.end_when_unused, args=(Path(sys.argv[1]), "here"), daemon=True).start()
time.sleep(60)
"""


def test_a_server_that_nobody_uses_ends_by_itself(tmp_path: Path) -> None:
    folder = own_server.server_folder(tmp_path)
    process = subprocess.Popen([sys.executable, "-c", UNUSED, str(folder)])

    assert process.wait(timeout=60) == -signal.SIGTERM


def test_a_server_that_is_used_or_belongs_to_the_lasting_stack_does_not_end_by_itself(tmp_path: Path) -> None:
    folder = own_server.server_folder(tmp_path)
    (folder / "users.lock").touch()
    unwanted = serve._is_wanted(folder, "here")
    with own_server.shared_by(folder):
        used = serve._is_wanted(folder, "here")
    (tmp_path / "stack.json").write_text(json.dumps({"prefect": {"url": "here", "pid": os.getpid()}}))
    lasting = serve._is_wanted(folder, "here")

    assert (unwanted, used, lasting) == (False, True, True)


def test_threads_that_ask_at_once_get_one_server(tmp_path: Path) -> None:
    found: list[own_server.Address] = []
    threads = [threading.Thread(target=lambda: found.append(own_server.begin_server(tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with own_server.deciding(tmp_path / "prefect"):
        own_server.stop(tmp_path / "prefect")
    assert len(set(found)) == 1
