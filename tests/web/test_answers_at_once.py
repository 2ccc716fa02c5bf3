"""An answer leaves the server at once, also on a connection that is kept."""

from __future__ import annotations

import gc
import socket
from pathlib import Path

import httpx
import pytest
from tests.web.conftest import served

from kaon.artifacts.web import create_app
from kaon.artifacts.web.serving import YOUNG, Server, listening, serve


def test_a_socket_is_one_for_which_asyncio_turns_off_the_waiting_for_more_to_send():
    with listening("127.0.0.1", 0) as made:
        assert made.proto == socket.IPPROTO_TCP


def test_answers_on_a_kept_connection_do_not_wait_for_the_clients_acknowledgement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    servers: list[Server] = []
    startup = Server.startup

    async def start(server: Server, sockets: list[socket.socket] | None = None) -> None:
        servers.append(server)
        await startup(server, sockets)

    monkeypatch.setattr(Server, "startup", start)
    with served(create_app(tmp_path / "store")) as address, httpx.Client(base_url=address, trust_env=False) as client:
        client.get("/login").raise_for_status()
        (kept,) = servers[0].server_state.connections
        accepted = kept.transport.get_extra_info("socket")  # type: ignore[union-attr]
        at_once = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert at_once, "or the kernel waits for 40 ms for more to send"


def test_the_collector_passes_over_the_libraries_while_pages_are_served(monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(Server, "run", lambda *_: seen.append((gc.get_freeze_count(), gc.get_threshold()[0])))
    before = gc.get_threshold()
    try:
        serve(create_app("memory://"), [])
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)

    ((aside, young),) = seen
    assert aside > 50_000 and young == YOUNG
