"""A trivial task on a warm worker waits for nothing; what it costs is measured by `make bench`."""

import time

from tests.dsl.places import tasks
from tests.dsl.places.tasks import drive, results, task

from kaon.dsl.places.performing import LINGER
from kaon.dsl.places.pool import Pool

MOST = LINGER / 50
"""Seconds a task, in the quickest of some batches of 256; it is some 20 µs on a machine with nothing else to do."""


def test_the_tasks_of_a_batch_do_not_each_wait_to_be_answered(pool: Pool) -> None:
    quickest = float("inf")
    with pool.worker() as worker:
        for _ in range(40):
            began = time.perf_counter()
            replies = drive(worker, [task(tasks.echo, n) for n in range(256)])
            quickest = min(quickest, (time.perf_counter() - began) / 256)
            assert len(results(replies)) == 256

    assert quickest < MOST
