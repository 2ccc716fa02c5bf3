"""What is said to Prefect's REST API, and what becomes of its answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kaon.artifacts.errors import PrefectError, PrefectStopped
from kaon.artifacts.launching import prefect_api
from kaon.artifacts.launching.prefect_api import PrefectApi


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[PrefectApi, list[str]]]:
    """Yield the API of a server that answers with these statuses in turn, then with the last, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            said = json.dumps({"detail": f"answer {len(asked)}"}).encode()
            self.send_response(statuses[min(len(asked), len(statuses)) - 1])
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield PrefectApi(f"http://127.0.0.1:{server.server_port}/api"), asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less between two tries."""
    monkeypatch.setattr(prefect_api, "PAUSES", (0.0, 0.01, 0.01))


def test_a_server_that_is_busy_is_asked_the_same_again():
    with answering(503, 503, 200) as (api, asked):
        answer = api.post("/deployments/", {"name": "nightly"})

    assert answer == {"detail": "answer 3"}
    assert asked == ['{"name":"nightly"}'] * 3


def test_a_server_that_stays_busy_is_told_with_what_it_said():
    with answering(503) as (api, asked), pytest.raises(PrefectError, match="it says 503: answer 4"):
        api.post("/deployments/")

    assert len(asked) == 4


def test_a_refusal_is_told_at_once():
    with answering(422, 200) as (api, asked), pytest.raises(PrefectError, match="it says 422: answer 1"):
        api.post("/deployments/")

    assert len(asked) == 1


def test_without_a_server_the_mend_is_named():
    with pytest.raises(PrefectStopped, match=r"(?s)no Prefect server is known.*fix: kaon up"):
        PrefectApi(None).post("/deployments/")
