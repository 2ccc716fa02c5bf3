"""An answer leaves the server at once, also on a connection that is kept."""

from __future__ import annotations

import socket
import statistics
import time
from pathlib import Path

import httpx
from tests.web.conftest import served

from kaon.artifacts.web import create_app
from kaon.artifacts.web.serving import listening


def test_a_socket_is_one_for_which_asyncio_turns_off_the_waiting_for_more_to_send():
    with listening("127.0.0.1", 0) as made:
        assert made.proto == socket.IPPROTO_TCP


def test_answers_on_a_kept_connection_do_not_wait_for_the_clients_acknowledgement(tmp_path: Path):
    with served(create_app(tmp_path / "store")) as address, httpx.Client(base_url=address, trust_env=False) as client:
        seconds = []
        for _ in range(9):
            began = time.perf_counter()
            client.get("/login").raise_for_status()
            seconds.append(time.perf_counter() - began)

    assert statistics.median(seconds) < 0.03, "Linux acknowledges after 40 ms"
