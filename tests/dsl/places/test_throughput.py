"""What a trivial task costs on a warm worker."""

import time

from tests.dsl.places import tasks
from tests.dsl.places.tasks import drive, results, task

from kaon.dsl.places.pool import Pool

MOST = 60e-6
"""Seconds a task, in batches of 256; the quickest of some batches, since others use this machine too."""


def test_a_trivial_task_costs_less_than_60_microseconds_in_a_batch_of_256(pool: Pool) -> None:
    quickest = float("inf")
    with pool.worker() as worker:
        for _ in range(40):
            began = time.perf_counter()
            replies = drive(worker, [task(tasks.echo, n) for n in range(256)])
            quickest = min(quickest, (time.perf_counter() - began) / 256)
            assert len(results(replies)) == 256

    assert quickest < MOST
