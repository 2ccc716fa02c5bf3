"""Parts of a page, sent again whenever they have changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping

from fastapi.concurrency import run_in_threadpool

EVERY = 1.0
"""Seconds between two looks at something that goes on."""
SELDOM = 4.0
"""Seconds between two looks at something that has ended; somebody may take it up again."""
SILENCE = 15.0
"""Seconds after which something is sent though nothing has changed, so that a lost connection shows."""


async def changes(parts: Callable[[], tuple[Mapping[str, str], bool]]) -> AsyncIterator[str]:
    """Yield server-sent events with the parts that have changed; it ends when the page is left.

    parts: returns the parts by name, each an element with an id, and whether they go on changing.
    """
    yield "retry: 2000\n\n"
    sent: dict[str, int] = {}
    told = time.monotonic()
    while True:
        found, goes_on = await run_in_threadpool(parts)
        new = [html for name, html in found.items() if sent.get(name) != hash(html)]
        sent = {name: hash(html) for name, html in found.items()}
        if new:
            yield "".join(f"data: {line}\n" for line in "".join(new).splitlines()) + "\n"
            told = time.monotonic()
        elif time.monotonic() - told > SILENCE:
            yield ": nothing new\n\n"
            told = time.monotonic()
        await asyncio.sleep(EVERY if goes_on else SELDOM)
