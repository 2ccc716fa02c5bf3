"""The names under which the application answers: a foreign name that resolves to this machine is refused."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Say whether a server that listens at this address is reached from this machine alone.

    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "10.0.0.7", "kaon.example")]
    [True, True, True, False, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_of(host: str) -> frozenset[str]:
    """Return the names under which a server that listens at this address may be asked.

    A server that listens at every address is asked by any of its numbers, or by the machine's name.
    """
    if is_loopback(host):
        return LOOPBACK | {host}
    return LOOPBACK | {host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}


def host_name(header: str) -> str:
    """Return the name in a Host header, without its port.

    >>> [host_name(header) for header in ("localhost:8080", "[::1]:80", "KAON.example")]
    ['localhost', '::1', 'kaon.example']
    """
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


class OnlyKnownHosts:
    """Refuses requests for other hosts: a page elsewhere whose name was made to point here (DNS rebinding).

    names: the names that are known; numbers: whether any IP address is, too: one cannot be made to point elsewhere.
    """

    def __init__(self, app: ASGIApp, names: Collection[str], *, numbers: bool) -> None:
        self._app = app
        self._names = frozenset(names)
        self._numbers = numbers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, or with 421."""
        if scope["type"] == "http":
            host = host_name(Headers(scope=scope).get("host", ""))
            if not self._is_known(host):
                said = f"Kaon does not answer as {host!r}: open it by the address that `kaon ui` printed.\n"
                await PlainTextResponse(said, 421)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_known(self, host: str) -> bool:
        if host in self._names:
            return True
        try:
            return self._numbers and bool(ipaddress.ip_address(host))
        except ValueError:
            return False
