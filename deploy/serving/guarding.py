"""Around every request: its size is bounded, its time is counted, and a server that ends asks for no more of them."""

import json
import time
from typing import TYPE_CHECKING

from .metrics import ServerMetrics
from .watching import Current

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1 << 20
"""Bytes of a request."""
UNKNOWN = "other"
"""The endpoint of a request for which there is none."""


class Guard:
    """Middleware of the whole application."""

    def __init__(self, app: "ASGIApp", *, metrics: ServerMetrics, current: Current) -> None:
        self._app = app
        self._metrics = metrics
        self._current = current

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request, or hand over what is none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def noted(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self._current.draining:
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        body = await _body_of(receive)
        if body is None:
            await _refuse(noted)
        else:
            await self._app(scope, _replayed(body, receive), noted)
        endpoint = getattr(scope.get("route"), "path", UNKNOWN)
        self._metrics.note_request(endpoint, status, time.perf_counter() - begun)


async def _body_of(receive: "Receive") -> bytes | None:
    """Return the body of a request, None if it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _replayed(body: bytes, receive: "Receive") -> "Receive":
    """Return what gives the body once more, and then what comes after it."""
    told = False

    async def replay() -> "Message":
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _refuse(send: "Send") -> None:
    reason = f"a request may have {LARGEST_BODY:,} bytes; ask for fewer items at once"
    body = json.dumps({"detail": [{"field": "body", "reason": reason}]}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body})
