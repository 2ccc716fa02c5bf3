"""A server in a process of its own, as a container runs it."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kaon.artifacts.ports import free_port

ROOT = Path(__file__).parents[2]


class LiveServer:
    """`python -m kaon.deploy.serving` on a free port."""

    def __init__(self, bundle: Path, log: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self.log = log
        told = {"KAON_BUNDLE": str(bundle), "KAON_PORT": str(self.port), "KAON_LOOK_EVERY": "0.1"}
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kaon.deploy.serving"],
                env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **told, **environment},
                stdout=output,
                stderr=output,
            )

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Return status and answer of one request on a connection of its own. Raises OSError if nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"content-type": "application/json"})
            response = connection.getresponse()
            raw = response.read()
            is_json = response.getheader("content-type", "").startswith("application/json")
            return response.status, json.loads(raw) if is_json else raw.decode()
        finally:
            connection.close()

    def wait(self, path: str = "/readyz", status: int = 200, within: float = 60.0) -> Any:
        """Return the answer as soon as it comes with the status."""
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            try:
                found, answer = self.ask("GET", path)
                if found == status:
                    return answer
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"no {status} from {path} within {within} s:\n{self.log.read_text()[-3000:]}")

    def wait_for_version(self, version: str, within: float = 60.0) -> None:
        """Return as soon as the bundle of this version answers."""
        ends = time.monotonic() + within
        while self.wait()["version"] != version:
            assert time.monotonic() < ends, self.log.read_text()[-3000:]
            time.sleep(0.05)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, however it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
