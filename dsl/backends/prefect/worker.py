"""Runs that are scheduled, or started from Prefect's UI, executed on this machine, each in a process of its own."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kaon.artifacts import Store

from .automations import ensure_automations
from .dead_runs import close_dead_runs

if TYPE_CHECKING:
    import psutil

logger = logging.getLogger(__name__)

LOOK_EVERY = 10.0
"""Seconds between two looks for dead runs."""
QUERY_EVERY = 2.0
"""Seconds between two looks for runs that are due."""
PATIENCE = 30.0
"""Seconds that runs are given to end, above all their own grace period; then they are killed."""
SETTLING = 1.0
"""Seconds given to Prefect's worker to tell how the last process ended."""


def work(pool: str, queues: Iterable[str], store: Store, *, at_once: int | None, tell: Callable[[str], None]) -> None:
    """Take up the runs of a work pool until the process is interrupted or told to end.

    queues: the work queues to take from; all of the pool's if there are none.
    tell: is told what happens, a line at a time.
    """
    asyncio.run(_work(pool, list(queues), store, at_once, tell))


async def _work(pool: str, queues: list[str], store: Store, at_once: int | None, tell: Callable[[str], None]) -> None:
    from prefect.settings import PREFECT_WORKER_QUERY_SECONDS, temporary_settings
    from prefect.workers.process import ProcessWorker

    async def take_up_unless_ending() -> Any:
        return [] if ending.is_set() else await take_up()

    ending, loop = asyncio.Event(), asyncio.get_running_loop()
    for told_to_end in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(told_to_end, ending.set)
    with temporary_settings({PREFECT_WORKER_QUERY_SECONDS: QUERY_EVERY}):
        worker = ProcessWorker(pool, queues or None, limit=at_once)
        take_up = worker.get_and_submit_flow_runs
        worker.get_and_submit_flow_runs = take_up_unless_ending  # type: ignore[method-assign]
        working = asyncio.ensure_future(worker.start(printer=lambda *_: None))
        watching = asyncio.ensure_future(_watch(store, tell))
        stop = asyncio.ensure_future(ending.wait())
        try:
            await asyncio.wait((working, stop), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await _end_runs(tell)
        finally:
            for task in (working, watching, stop):
                task.cancel()
            await asyncio.gather(working, watching, stop, return_exceptions=True)
    if not ending.is_set():
        working.result()


async def _end_runs(tell: Callable[[str], None]) -> None:
    """Ask the processes of the runs to end, and wait until they have: each records that it was cancelled."""
    import psutil

    processes = [child for child in psutil.Process().children() if "prefect.engine" in _command(child)]
    if processes:
        tell(f"ending {len(processes)} run{'s' if len(processes) > 1 else ''}")
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while any(_lives(process) for process in processes) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLING if processes else 0)


def _command(process: "psutil.Process") -> list[str]:
    import psutil

    command: list[str] = []
    with suppress(psutil.Error):
        command = process.cmdline()
    return command


def _lives(process: "psutil.Process") -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


async def _watch(store: Store, tell: Callable[[str], None]) -> None:
    """Look for dead runs again and again; a look that fails is left for the next one."""
    told: set[str] = set()
    while True:
        try:
            lines = await asyncio.to_thread(_look, store)
        except Exception as error:  # the server may be away for a while
            logger.debug("no look at dead runs: %s", error)
            lines = []
        for line in lines:
            if line not in told:
                told.add(line)
                tell(line)
        await asyncio.sleep(LOOK_EVERY)


def _look(store: Store) -> list[str]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return [*ensure_automations(client), *close_dead_runs(client, store)]
