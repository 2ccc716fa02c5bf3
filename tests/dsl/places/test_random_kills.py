"""Whatever is killed, and whenever: every task is done, once, and nothing is left behind."""

import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
from tests.dsl.places import tasks
from tests.dsl.places.tasks import drive, setup, task

from kaon.dsl.places.limits import NONE, Limits
from kaon.dsl.places.pool import Pool
from kaon.dsl.places.wire import Done

KILLS = 40


def test_no_task_is_lost_or_done_twice_while_workers_and_zygotes_are_killed() -> None:
    here = psutil.Process()
    before = {process.pid for process in here.children()}
    ended = threading.Event()
    with Pool(setup, size=2) as pool, ThreadPoolExecutor(3) as threads:
        done = [threads.submit(_use, pool, seed, ended) for seed in range(3)]
        _kill(here, before, pool)
        ended.set()
        counts = [used.result(timeout=60) for used in done]

    assert min(counts) > 0
    assert {process.pid for process in here.children()} == before


def _use(pool: Pool, seed: int, ended: threading.Event) -> int:
    """Return how many rounds of tasks were done while others killed."""
    chance = random.Random(seed)
    rounds = 0
    while not ended.is_set():
        with pool.worker(chance.choice([NONE, NONE, Limits(cpus=1)])) as worker:
            todo = set(range(chance.choice([1, 10, 100])))
            while todo:
                ids = sorted(todo)
                for reply in drive(worker, [task(_work, n, chance.choice([0, 0.002])) for n in ids]):
                    if isinstance(reply, Done):
                        assert reply.result == ids[reply.index]
                        todo.remove(reply.result)
        rounds += 1
    return rounds


def _work(n: int, seconds: float) -> int:
    time.sleep(seconds)
    return n


def _kill(here: psutil.Process, before: set[int], pool: Pool) -> None:
    chance = random.Random(0)
    killed = 0
    while killed < KILLS:
        time.sleep(chance.random() * 0.2)
        zygote = pool.zygote_pid
        pids = [process.pid for process in here.children(recursive=True) if process.pid not in before]
        workers = [pid for pid in pids if pid != zygote]
        target = zygote if killed % 10 == 9 else chance.choice(workers or [0])
        if target and tasks.living(target):
            psutil.Process(target).send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV]))
            killed += 1
