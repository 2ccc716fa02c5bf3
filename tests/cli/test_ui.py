"""`kaon ui`: the web application as a command."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

OPENER = build_opener(ProxyHandler({}))


@contextmanager
def started(home: Path, *arguments: str) -> Iterator[tuple[str, list[str]]]:
    """Start `kaon ui` on a free port; yields its address, and what it printed before."""
    command = [sys.executable, "-m", "kaon.cli", "ui", "--port", "0", *arguments]
    environment = {**os.environ, "KAON_HOME": str(home)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line)
            if found := re.match(r"(http://\S+)", line):
                yield found[1], lines
                break
        else:
            pytest.fail("".join(lines))
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]
    assert "Traceback" not in rest, rest


def test_it_serves_this_home_until_it_is_told_to_stop(kaon_home: Path) -> None:
    with started(kaon_home) as (url, lines), OPENER.open(f"{url}/runs") as answer:
        assert url.startswith("http://127.0.0.1:")
        assert b"Nothing has run yet" in answer.read()
        assert str(kaon_home) in lines[-1]


def test_any_address_but_the_loopback_demands_a_token_and_says_so(kaon_home: Path) -> None:
    with started(kaon_home, "--host", "0.0.0.0") as (url, lines):
        port = url.rpartition(":")[2]
        found = re.search(r"every page demands this token: (\S{32})", lines[0])
        assert found is not None, lines
        with pytest.raises(HTTPError, match="401"):
            OPENER.open(f"http://127.0.0.1:{port}/runs")
        request = Request(f"http://127.0.0.1:{port}/runs", headers={"Authorization": f"Bearer {found[1]}"})
        with OPENER.open(request) as answer:
            assert answer.status == 200


def refused(home: Path, *arguments: str) -> str:
    """Return what a call that is refused says."""
    command = [sys.executable, "-m", "kaon.cli", "ui", *arguments]
    done = subprocess.run(
        command, env={**os.environ, "KAON_HOME": str(home)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    return done.stderr


def test_a_short_token_and_a_port_in_use_are_refused(kaon_home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"cannot listen at 127.0.0.1 port {port}" in refused(kaon_home, "--port", str(port))

    assert "shorter than 16 characters" in refused(kaon_home, "--token", "short")
