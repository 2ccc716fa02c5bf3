"""Requests at a fixed rate, whatever the server does: each is sent at its time, and waits from that time on count.

A client that waits for an answer before it asks again asks a slow server less, and does not see the wait of those who
would have asked meanwhile (coordinated omission). Here a request whose time has come takes an idle connection or opens
another one, and its latency runs from when it was to be sent, so that lateness of the client counts against the server.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Load:
    """What came of requests at a fixed rate."""

    seconds: np.ndarray
    """From when each request was to be sent to the last byte of its answer, shape (requests,)."""
    failed: int
    """Requests without an answer of status 200."""

    def quantile(self, share: float) -> float:
        """Return the milliseconds within which that share of the requests was answered."""
        return 1000 * float(np.quantile(self.seconds, share))


def loaded(port: int, path: str, bodies: Sequence[Body], *, rate: float, seed: int = 0) -> Load:
    """Send every body to the path, at random times of this rate a second (a Poisson process), and return what came."""
    waits = np.random.default_rng(seed).exponential(1 / rate, len(bodies))
    return asyncio.run(_loaded(port, path, bodies, np.cumsum(waits)))


async def _loaded(port: int, path: str, bodies: Sequence[Body], at: np.ndarray) -> Load:
    idle: list[_Connection] = []
    seconds = np.zeros(len(bodies))
    failed = 0
    begun = time.perf_counter()

    async def one(number: int, raw: bytes) -> None:
        nonlocal failed
        connection = idle.pop() if idle else _Connection(port)
        try:
            status = await connection.ask(raw)
            idle.append(connection)
        except (OSError, ValueError, asyncio.IncompleteReadError):
            status = 0
        failed += status != 200
        seconds[number] = time.perf_counter() - begun - at[number]

    asked = []
    for number, raw in enumerate([_request(path, body) for body in bodies]):
        await asyncio.sleep(max(0.0, begun + at[number] - time.perf_counter()))
        asked.append(asyncio.create_task(one(number, raw)))
    await asyncio.gather(*asked)
    for connection in idle:
        connection.close()
    return Load(seconds, failed)


class _Connection:
    """A connection that is kept."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, raw: bytes) -> int:
        """Return the status of the answer, once it has come whole."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(raw)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        return int(head[9:12])

    def close(self) -> None:
        """Let the server go."""
        if self._streams is not None:
            self._streams[1].close()


def _request(path: str, body: Body) -> bytes:
    raw = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: kaon\r\ncontent-type: application/json\r\ncontent-length: {len(raw)}\r\n\r\n"
    return head.encode() + raw
