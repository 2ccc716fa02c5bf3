"""Limits: cores and memory of a process of its own."""

import os
import sys

import pytest
from tests.dsl.places import tasks
from tests.dsl.places.tasks import death, drive, results, task

from kaon.dsl.places.limits import NONE, Cores, Limits, available_cores
from kaon.dsl.places.pool import Pool


def test_a_process_over_its_memory_is_killed_and_says_how_much_it_used(pool: Pool) -> None:
    with pool.worker(Limits(memory=200 * tasks.MIB)) as worker:
        replies = drive(worker, [task(tasks.echo, 0), task(tasks.take_memory, 300 * tasks.MIB)])

    died = death(replies)
    assert died.index == 1
    assert died.why.startswith("it used ")
    assert died.why.endswith(" MiB, and its limit is 200 MiB")


def test_what_a_task_starts_counts_as_its_memory(pool: Pool) -> None:
    with pool.worker(Limits(memory=200 * tasks.MIB)) as worker:
        replies = drive(worker, [task(tasks.take_memory_in_children, 100 * tasks.MIB, 3)])

    assert "its limit is 200 MiB" in death(replies).why


def test_a_process_within_its_memory_is_left_alone(pool: Pool) -> None:
    with pool.worker(Limits(memory=1024 * tasks.MIB)) as worker:
        replies = drive(worker, [task(tasks.sleep, 0.5), task(tasks.echo, 1)])

    assert results(replies) == [None, 1]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps processes on cores")
def test_a_process_is_kept_on_its_cores_and_libraries_use_as_many_threads(pool: Pool) -> None:
    with pool.worker(Limits(cpus=0.5)) as worker:
        replies = drive(worker, [task(tasks.cores), task(tasks.variable, "OMP_NUM_THREADS")])

    assert results(replies) == [1, "1"]


@pytest.mark.skipif("OMP_NUM_THREADS" in os.environ, reason="the environment decides")
def test_warm_workers_share_the_cores_as_threads_of_libraries(pool: Pool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.variable, "OMP_NUM_THREADS")])

    assert results(replies) == [str(max(1, len(available_cores()) // 2))]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_kernel_kills_a_worker_rather_than_the_runs_process(pool: Pool) -> None:
    def badness() -> str:
        with open("/proc/self/oom_score_adj") as score:
            return score.read().strip()

    with pool.worker() as worker:
        replies = drive(worker, [task(badness)])

    assert results(replies) == ["500"]


def test_cores_are_dealt_to_the_least_used_first() -> None:
    cores = Cores([4, 5, 6, 7])
    taken = [core for _ in range(4) for core in cores.take(1)]
    cores.give_back([6])

    assert sorted(taken) == [4, 5, 6, 7]
    assert cores.take(1) == (6,)


def test_no_more_cores_are_dealt_than_there_are() -> None:
    assert sorted(Cores([0, 1]).take(5)) == [0, 1]


def test_part_of_a_core_is_a_whole_one() -> None:
    assert [Limits(cpus=cpus).cores for cpus in (0.1, 1, 1.5, 3.0)] == [1, 1, 2, 3]
    assert NONE.cores is None
