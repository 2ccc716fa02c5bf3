"""Parts of a page, sent again whenever they have changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping

from fastapi.concurrency import run_in_threadpool

from .timing import timed, told_as

SILENCE = 15.0
"""Seconds after which something is sent though nothing has changed, so that a lost connection shows."""


async def changes(parts: Callable[[], tuple[Mapping[str, str], float]]) -> AsyncIterator[str]:
    """Yield server-sent events with the parts that have changed; it ends when the page is left.

    parts: returns the parts by name, each an element with an id, and the seconds until it is worth to look again.
    """
    yield "retry: 2000\n\n"
    sent: dict[str, int] = {}
    told = time.monotonic()
    while True:
        began = time.perf_counter()
        (found, pause), took = await run_in_threadpool(timed, parts)
        new = [html for name, html in found.items() if sent.get(name) != hash(html)]
        sent = {name: hash(html) for name, html in found.items()}
        if new:
            lines = "".join(f"data: {line}\n" for line in "".join(new).splitlines())
            yield f"{told_as(time.perf_counter() - began, took)}{lines}\n"
            told = time.monotonic()
        elif time.monotonic() - told > SILENCE:
            yield ": nothing new\n\n"
            told = time.monotonic()
        await asyncio.sleep(pause)
