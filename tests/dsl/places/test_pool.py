"""A pool: tasks go to warm processes, and what comes of them comes back."""

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import psutil
import pytest
from tests.dsl.places import tasks
from tests.dsl.places.tasks import awaited, drive, failure, gone, results, setup, task

from kaon.dsl.places.errors import NotSendable, PoolClosed, PoolError, SetupFailed
from kaon.dsl.places.performing import Perform
from kaon.dsl.places.pool import Pool
from kaon.dsl.places.wire import Done, Task, Told


def test_a_batch_gives_the_results_of_its_tasks_in_order(pool: Pool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.echo, n) for n in range(300)])

    assert results(replies) == list(range(300))
    assert [reply.index for reply in replies if isinstance(reply, Done)] == list(range(300))


def test_several_batches_may_be_under_way_and_replies_say_which_they_belong_to(pool: Pool) -> None:
    with pool.worker() as worker:
        first = worker.submit([task(tasks.echo, "a")])
        second = worker.submit([task(tasks.echo, "b"), task(tasks.echo, "c")])
        replies = list(awaited(worker))

    assert replies == [Done(first, 0, "a"), Done(second, 0, "b"), Done(second, 1, "c")]


def test_nothing_is_waited_for_when_nothing_was_submitted(pool: Pool) -> None:
    with pool.worker() as worker:
        began = time.monotonic()

        assert worker.replies(600) == []
        assert time.monotonic() - began < 300


def test_a_task_tells_while_it_runs(pool: Pool) -> None:
    with pool.worker() as worker:
        batch = worker.submit([task(tasks.saying, "half", 300)])
        told = worker.replies(60)

    assert told == [Told(batch, 0, "half")]


def test_a_result_does_not_wait_for_the_end_of_its_batch(pool: Pool) -> None:
    with pool.worker() as worker:
        batch = worker.submit([task(tasks.echo, 1), task(tasks.sleep, 300)])
        replies = worker.replies(60)

    assert replies == [Done(batch, 0, 1)]


def test_an_exception_is_a_failure_with_its_line_and_the_tasks_own_trace(pool: Pool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.fail), task(tasks.echo, 2)])

    failed = failure(replies)
    assert failed.error == "ValueError: no ratings"
    assert "in fail" in failed.trace
    assert "performing.py" not in failed.trace
    assert replies[1:] == [Done(failed.batch, 1, 2)]


def test_sys_exit_is_a_failure_and_ends_no_worker(pool: Pool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.call_exit, 3), task(tasks.echo, 2)])

    assert failure(replies).error == "SystemExit: 3"
    assert len(replies) == 2


def test_a_result_that_cannot_be_pickled_is_a_failure_that_names_it(pool: Pool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.unpicklable), task(tasks.echo, 2)])

    assert failure(replies).error == "the task's result cannot be sent: TypeError: cannot pickle '_thread.lock' object"
    assert len(replies) == 2


def test_a_result_that_cannot_be_read_back_is_a_failure_that_says_so(pool: Pool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.unreadable), task(tasks.echo, 2)])

    assert failure(replies).error == "the task's result cannot be read here: ValueError: cannot be read"
    assert len(replies) == 2


def test_a_task_that_cannot_be_read_by_its_worker_is_a_failure(pool: Pool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [Task(tasks.Unreadable()), task(tasks.echo, 2)])

    assert failure(replies).error == "the task could not be read by its worker: ValueError: cannot be read"
    assert len(replies) == 2


def test_a_task_that_cannot_be_pickled_is_refused_and_nothing_is_submitted(pool: Pool) -> None:
    with pool.worker() as worker:
        with pytest.raises(NotSendable) as refused:
            worker.submit([task(tasks.echo, 1), task(tasks.echo, threading.Lock())])
        replies = drive(worker, [task(tasks.echo, 2)])

    assert str(refused.value) == dedent("""\
        a task of type 'tuple' cannot be sent to another process

          why: TypeError: cannot pickle '_thread.lock' object
          fix: send what the task needs to open it (a path, a URL), and open it in the task""")
    assert results(replies) == [2]


def test_a_fork_that_a_task_forgets_to_end_does_not_go_on_as_a_worker(pool: Pool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(os.fork), task(tasks.echo, 2)])

    forked, echoed = results(replies)
    assert gone(forked)
    assert echoed == 2


def test_functions_written_on_the_spot_travel_by_value(pool: Pool) -> None:
    factor = 3

    with pool.worker() as worker:
        replies = drive(worker, [task(lambda n: n * factor, 2)])

    assert results(replies) == [6]


def test_large_tasks_and_results_go_both_ways_at_the_same_time(pool: Pool) -> None:
    large = [bytes([n]) * (20 * tasks.MIB) for n in range(3)]

    with pool.worker() as worker:
        for payload in large:
            worker.submit([task(tasks.echo, payload), task(tasks.echo, payload)])
        replies = list(awaited(worker))

    assert results(replies) == [payload for payload in large for _ in range(2)]


def test_four_threads_share_two_workers(pool: Pool) -> None:
    def use(thread: int) -> set[int]:
        pids = set()
        for n in range(50):
            with pool.worker() as worker:
                assert results(drive(worker, [task(tasks.echo, (thread, n))])) == [(thread, n)]
                assert worker.pid is not None
                pids.add(worker.pid)
        return pids

    with ThreadPoolExecutor(4) as threads:
        used = set().union(*threads.map(use, range(4)))

    assert 1 <= len(used) <= 2


def test_a_worker_outlives_the_thread_that_started_it() -> None:
    pids: list[int] = []

    def use() -> None:
        with pool.worker() as worker:
            pids.extend(results(drive(worker, [task(tasks.pid)])))

    with Pool(setup, size=1) as pool:
        for _ in range(2):
            thread = threading.Thread(target=use)
            thread.start()
            thread.join()
            time.sleep(0.2)

    assert pids[0] == pids[1]


def test_a_process_of_its_own_is_killed_afterwards(pool: Pool) -> None:
    with pool.worker(fresh=True) as worker:
        [first] = results(drive(worker, [task(tasks.pid)]))
    with pool.worker(fresh=True) as worker:
        [second] = results(drive(worker, [task(tasks.pid)]))

    assert first != second
    assert gone(first, second)


def test_a_worker_given_back_at_work_is_killed(pool: Pool) -> None:
    with pool.worker() as worker:
        worker.submit([task(tasks.sleep, 30)])
        at_work = worker.pid
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.echo, 1)])

    assert at_work is not None
    assert gone(at_work)
    assert results(replies) == [1]


def test_workers_have_nothing_to_read_and_write_to_standard_error(pool: Pool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.streams)])

    assert results(replies) == [("", True)]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_has_open_only_its_own_line(pool: Pool) -> None:
    with pool.worker() as first, pool.worker() as second:
        drive(first, [task(tasks.echo, 1)])
        [opened] = results(drive(second, [task(tasks.open_files)]))

    assert len([name for name in opened if name.startswith("socket:")]) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_pool_leaves_no_open_files_in_the_process_that_used_it() -> None:
    before = len(tasks.open_files())
    with Pool(setup, size=2) as pool:
        for _ in range(3):
            with pool.worker() as worker, pool.worker(fresh=True) as own:
                drive(worker, [task(tasks.echo, 1)])
                drive(own, [task(tasks.leave, 3)])
                drive(worker, [task(tasks.leave, 3)])

    assert len(tasks.open_files()) == before


def test_workers_draw_random_numbers_of_their_own(pool: Pool) -> None:
    drawn = []
    for _ in range(2):
        with pool.worker(fresh=True) as worker:
            drawn += results(drive(worker, [task(tasks.random_numbers)]))

    assert drawn[0] != drawn[1]


def test_workers_have_their_own_session_and_the_usual_signals(pool: Pool) -> None:
    def signals() -> tuple[bool, bool]:
        import signal

        usual = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        return os.getsid(0) == os.getpid(), usual and signal.getsignal(signal.SIGINT) is signal.default_int_handler

    with pool.worker() as worker:
        replies = drive(worker, [task(signals)])

    assert results(replies) == [(True, True)]


def test_closing_ends_waiting_and_refuses_more() -> None:
    waited: list[BaseException] = []

    def wait() -> None:
        try:
            with pool.worker():
                pass
        except PoolClosed as error:
            waited.append(error)

    pool = Pool(setup, size=1)
    with pool.worker() as worker:
        worker.submit([task(tasks.sleep, 30)])
        thread = threading.Thread(target=wait)
        thread.start()
        pool.close()
        thread.join(60)
        replies = list(awaited(worker))
        with pytest.raises(PoolClosed):
            worker.submit([task(tasks.echo, 1)])

    assert len(waited) == 1
    assert tasks.death(replies).why == "the pool was closed"


def test_closing_leaves_no_process_behind() -> None:
    here = psutil.Process()
    before = set(here.children(recursive=True))
    pool = Pool(setup, size=2)
    with pool.worker() as first, pool.worker() as second, pool.worker(fresh=True) as own:
        for worker in (first, second, own):
            drive(worker, [task(tasks.echo, 1)])
        started = set(here.children(recursive=True)) - before
        pool.close()

    assert len(started) == 4
    assert not any(tasks.living(process.pid) for process in started)


def test_a_pool_that_was_never_used_starts_nothing() -> None:
    before = psutil.Process().children()
    with Pool(setup, size=2):
        pass

    assert psutil.Process().children() == before


def _broken() -> Perform:
    raise RuntimeError("the table is not there")


def test_a_setup_that_fails_is_shown_with_its_trace_each_time() -> None:
    with Pool(_broken, size=1) as pool:
        for _ in range(2):
            with pool.worker() as worker, pytest.raises(SetupFailed, match="RuntimeError: the table is not there"):
                worker.submit([task(tasks.echo, 1)])


def _exiting() -> Perform:
    os._exit(7)


def test_a_setup_that_ends_the_process_is_a_failure() -> None:
    with Pool(_exiting, size=1) as pool, pool.worker() as worker, pytest.raises(SetupFailed):
        worker.submit([task(tasks.echo, 1)])


def _slow() -> Perform:
    time.sleep(60)
    return tasks.perform


def test_a_pool_can_be_closed_during_its_setup() -> None:
    with Pool(_slow, size=1) as pool, pool.worker() as worker:
        threading.Timer(1.0, pool.close).start()
        with pytest.raises(PoolClosed):
            worker.submit([task(tasks.echo, 1)])


def test_errors_of_the_pool_are_one_family() -> None:
    assert issubclass(NotSendable, PoolError)
    assert issubclass(SetupFailed, PoolError)


def test_a_script_without_a_main_guard_may_use_a_pool(tmp_path: Path) -> None:
    script = tmp_path / "flow.py"
    script.write_text(
        dedent("""
        from kaon.dsl.places.pool import Pool
        from kaon.dsl.places.wire import Task

        class Ratings:
            def __init__(self, count):
                self.count = count

        def double(ratings):
            return Ratings(ratings.count * 2)

        def setup():
            return lambda task, tell: double(task)

        with Pool(setup, size=1) as pool, pool.worker() as worker:
            worker.submit([Task(Ratings(21))])
            [reply] = worker.replies(30)
            assert isinstance(reply.result, Ratings), reply
            print("got", reply.result.count)
    """)
    )

    assert tasks.run_script(script) == "got 42\n"
