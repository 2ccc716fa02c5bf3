"""The server as a process: its settings, how it ends, and what it needs to be installed."""

import http.client
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kaon.deploy.serving.settings import BadSetting, Settings, settings_from

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "deploy" / "serving" / "requirements.txt"
NEVER = ("torch", "pandas", "pyspark", "mlflow", "prefect", "sqlalchemy", "implicit", "sklearn", "pyarrow")


def test_settings_come_from_the_environment():
    told = {"KAON_BUNDLE": "/b", "KAON_PORT": "9000", "KAON_HOST": "0.0.0.0", "KAON_DRAIN": "5", "KAON_LOOK_EVERY": ""}

    assert settings_from({**told, "KAON_MOST_WAITING": "9"}) == Settings(Path("/b"), "0.0.0.0", 9000, 1.0, 5.0, 9)
    assert settings_from({}) == Settings(Path("/bundle"), "127.0.0.1", 8000, 1.0, 0.0, 256)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("KAON_PORT", "http", "KAON_PORT is 'http', which is no number: write KAON_PORT=8000"),
        ("KAON_PORT", "80.5", "must be a whole number: write KAON_PORT=8000"),
        ("KAON_MOST_WAITING", "0", "must be from 1 to 100000: write KAON_MOST_WAITING=256"),
        ("KAON_PORT", "70000", "must be from 1 to 65535: write KAON_PORT=8000"),
        ("KAON_DRAIN", "-1", "must be from 0 to 3600: write KAON_DRAIN=0"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_mend(name, value, said):
    with pytest.raises(BadSetting, match=re.escape(said)):
        settings_from({name: value})


def test_a_request_that_was_taken_is_answered_after_sigterm(live, bundles):
    server = live(bundles[0], KAON_DRAIN="5")
    server.wait()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("POST", "/recommend")
    body = json.dumps({"user": "u0001"}).encode()
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str(len(body)))
    connection.putheader("expect", "100-continue")
    connection.endheaders()
    assert connection.sock.recv(1024).startswith(b"HTTP/1.1 100 "), "it was taken, and its body is waited for"

    server.terminate()
    server.wait(status=503)
    connection.send(body)
    response = connection.getresponse()

    assert response.status == 200
    assert json.loads(response.read())["items"]
    assert server.process.wait(timeout=60) == 0


def test_a_connection_that_was_idle_for_some_seconds_is_still_answered(live, bundles):
    server = live(bundles[0])
    server.wait()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/healthz")
    kept = connection.sock
    assert connection.getresponse().read()
    time.sleep(6)  # uvicorn's own is 5

    assert connection.sock is kept
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    assert connection.sock is kept


def test_a_draining_server_is_not_ready_and_still_answers_and_closes_connections(live, bundles):
    server = live(bundles[0], KAON_DRAIN="5")
    server.wait()

    server.terminate()
    server.wait(status=503)
    status, _ = server.ask("POST", "/recommend", {"market": "uk"})
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/healthz")
    closing = connection.getresponse().getheader("connection")

    assert (status, closing) == (200, "close")
    assert server.process.wait(timeout=60) == 0


def test_many_requests_under_way_are_all_answered_when_the_server_ends(live, bundles):
    server = live(bundles[0], KAON_DRAIN="1")
    server.wait()
    statuses: list[int] = []

    def ask() -> None:
        for _ in range(20):
            try:
                statuses.append(server.ask("POST", "/recommend", {"user": "u0002", "k": 50})[0])
            except ConnectionRefusedError:  # it has ended: nothing was taken
                return

    asking = [threading.Thread(target=ask) for _ in range(8)]
    for one in asking:
        one.start()
    server.terminate()
    for one in asking:
        one.join()

    assert set(statuses) == {200}
    assert server.process.wait(timeout=60) == 0


def test_a_server_whose_bundle_is_missing_waits_for_it_and_says_so(live, bundles, tmp_path):
    place = tmp_path / "later"
    server = live(place)
    said = server.wait(status=503)

    place.symlink_to(bundles[0])

    assert "is no bundle" in said["reason"]
    assert server.wait()["version"] == bundles[0].name


def test_a_bad_setting_ends_the_server_with_what_to_write():
    found = subprocess.run(
        [sys.executable, "-m", "kaon.deploy.serving"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "KAON_PORT": "eighty"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert found.returncode == 2
    assert found.stderr.strip() == "KAON_PORT is 'eighty', which is no number: write KAON_PORT=8000"


ALONE = """
import sys
sys.path[:0] = sys.argv[1:3]
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from kaon.deploy.serving.__main__ import ready_to_serve
from kaon.deploy.serving.app import create_app
from kaon.deploy.serving.metrics import ServerMetrics
from kaon.deploy.serving.watching import Current

create_app(Current(ready_to_serve(Path(sys.argv[3]))), ServerMetrics(), ThreadPoolExecutor(1))
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_the_server_runs_with_nothing_installed_but_its_requirements_and_loads_no_more(bundles, tmp_path):
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in sorted(closure(requirements())):
        link_distribution(name, packages)

    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, str(packages), str(ROOT / "src"), str(bundles[0])],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert found.returncode == 0, found.stderr
    assert not set(found.stdout.split()) & set(NEVER)
    assert not {path.name for path in packages.iterdir()} & set(NEVER)


def requirements() -> set[str]:
    lines = (line.partition("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    return {line for line in lines if line}


def closure(names: set[str]) -> set[str]:
    """Return the distributions and what they need, without extras, as installed here."""
    from packaging.requirements import Requirement

    found: set[str] = set()
    asked = list(names)
    while asked:
        name = asked.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        for line in importlib.metadata.requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                asked.append(needed.name)
    return found


def link_distribution(name: str, to: Path) -> None:
    """Make links to what a distribution installed at the top of site-packages."""
    tops = {
        file.parts[0] for file in importlib.metadata.files(name) or () if file.parts[0] not in ("..", "__pycache__")
    }
    for top in tops:
        path = Path(str(importlib.metadata.distribution(name).locate_file(top)))
        if path.exists() and not (to / top).exists():
            (to / top).symlink_to(path)
