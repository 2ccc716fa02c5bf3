"""The application on a port, until it is told to stop."""

from __future__ import annotations

import gc
import socket
from collections.abc import Collection

import uvicorn
from fastapi import FastAPI

GRACE = 3
"""Seconds in which open requests may end once the server is to stop."""
YOUNG = 10_000
"""Objects that are made between two collections of garbage; a page makes some thousand."""


class Server(uvicorn.Server):
    """A server that lets the live pages go before it stops: their streams would never end by themselves."""

    def __init__(self, app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> None:
        config = uvicorn.Config(
            app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=GRACE, server_header=False
        )
        super().__init__(config)
        self._stopping = app.state.stopping
        templates = app.state.site.templates
        for name in templates.list_templates():
            templates.get_template(name)  # read now, or the first page would wait for it

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: streams first, then everything."""
        self._stopping.set()
        await super().shutdown(sockets)


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there, on any free port if the port is 0. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # which asyncio sets TCP_NODELAY by
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(128)  # from now on who comes early waits
    except OSError:
        made.close()
        raise
    return made


def serve(app: FastAPI, sockets: Collection[socket.socket]) -> None:
    """Serve the application until the process is told to stop, as the only thing that this process does."""
    server = Server(app)
    # The libraries are some 300,000 objects that stay: looking through them again and again would hold up the answers
    # of that moment by a tenth of a second.
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
    server.run(list(sockets))
