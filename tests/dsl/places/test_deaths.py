"""Deaths of workers, of the zygote and of the run's process: noticed, told, and nothing left behind."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest
from tests.dsl.places import tasks
from tests.dsl.places.tasks import awaited, death, drive, gone, living, results, setup, task

from kaon.dsl.places.pool import Pool
from kaon.dsl.places.wire import Died, Done, TimedOut


@pytest.mark.parametrize(
    ("poison", "why"),
    [
        (task(tasks.leave, 3), "its process exited with 3"),
        (task(tasks.kill_me, signal.SIGKILL), "its process was killed by signal 9 (SIGKILL): out of memory?"),
        (task(tasks.kill_me, signal.SIGTERM), "its process was killed by signal 15 (SIGTERM)"),
        (task(tasks.crash), "its process was killed by signal 11 (SIGSEGV)"),
    ],
    ids=["exit", "SIGKILL", "SIGTERM", "SIGSEGV"],
)
def test_a_death_names_the_task_and_the_cause(pool: Pool, poison: tasks.Task, why: str) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.echo, 0), poison, task(tasks.echo, 2)])
        again = drive(worker, [task(tasks.echo, 2)])

    died = death(replies)
    assert (died.index, died.why) == (1, why)
    assert replies[-1] is died
    assert results(again) == [2]


def test_results_from_before_a_death_come_first(pool: Pool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.echo, 0), task(tasks.sleep, 0.3), task(tasks.leave, 1)])

    assert [type(reply) for reply in replies] == [Done, Done, Died]


def test_a_poison_task_among_two_hundred_costs_no_other_task(pool: Pool) -> None:
    def use(thread: int) -> dict[int, object]:
        todo = {n: task(tasks.leave, 1) if n == 77 else task(tasks.echo, n) for n in range(thread, 200, 4)}
        found: dict[int, object] = {}
        with pool.worker() as worker:
            while todo:
                ids = list(todo)[:16]
                for reply in drive(worker, [todo[n] for n in ids]):
                    if isinstance(reply, Done):
                        found[ids[reply.index]] = reply.result
                    elif isinstance(reply, Died) and reply.index is not None:
                        found[ids[reply.index]] = reply.why
                for n in found:
                    todo.pop(n, None)
        return found

    with ThreadPoolExecutor(4) as threads:
        found = {n: result for part in threads.map(use, range(4)) for n, result in part.items()}

    assert found == {n: "its process exited with 1" if n == 77 else n for n in range(200)}


@pytest.mark.parametrize("sleep", [tasks.sleep, tasks.sleep_in_c], ids=["python", "foreign code"])
def test_a_task_over_its_time_is_killed_wherever_it_hangs(pool: Pool, sleep: object) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.echo, 0), task(sleep, 300, timeout=0.3), task(tasks.echo, 2)])  # type: ignore[arg-type]

    died = death(replies)
    assert isinstance(died, TimedOut)
    assert (died.index, died.why) == (1, "it took longer than its timeout of 0.3 s")


def test_the_time_of_a_task_starts_when_it_starts(pool: Pool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.sleep, 0.2, timeout=4) for _ in range(24)])

    assert len(results(replies)) == 24


@pytest.mark.parametrize("own_session", [False, True])
def test_what_a_task_started_goes_with_it(pool: Pool, tmp_path: Path, own_session: bool) -> None:
    with pool.worker() as worker:
        replies = drive(worker, [task(tasks.start_child, tmp_path / "pids", own_session, timeout=3)])

    assert isinstance(death(replies), TimedOut)
    assert gone(*_pids(tmp_path / "pids"))


def test_what_a_dead_worker_started_goes_too(pool: Pool, tmp_path: Path) -> None:
    with pool.worker() as worker:
        worker.submit([task(tasks.start_child, tmp_path / "pids", False)])
        parent, child = _pids(tmp_path / "pids")
        os.kill(parent, signal.SIGKILL)
        list(awaited(worker))

    assert gone(parent, child)


def test_another_thread_may_kill_a_worker(pool: Pool) -> None:
    with pool.worker() as worker:
        worker.submit([task(tasks.sleep, 30)])
        threading.Timer(0.2, worker.kill).start()
        died = death(list(awaited(worker)))

    assert died.why == "it was stopped"


def test_an_idle_worker_that_dies_is_replaced_without_a_word(pool: Pool) -> None:
    with pool.worker() as worker:
        [first] = results(drive(worker, [task(tasks.pid)]))
        os.kill(first, signal.SIGKILL)
        assert gone(first)
        assert worker._link is not None
        assert select.select([worker._link._lifeline], [], [], 60)[0], "the zygote tells of it"
        [second] = results(drive(worker, [task(tasks.pid)]))

    assert first != second


def test_a_dead_zygote_is_replaced_and_blames_no_task() -> None:
    with Pool(setup, size=1) as pool, pool.worker() as worker:
        drive(worker, [task(tasks.echo, 1)])
        worker.submit([task(tasks.sleep, 30)])
        zygote, child = pool.zygote_pid, worker.pid
        assert zygote is not None and child is not None
        os.kill(zygote, signal.SIGKILL)
        died = death(list(awaited(worker)))
        replies = drive(worker, [task(tasks.echo, 2)])

    assert (died.index, died.why) == (None, "the process that starts the workers died")
    assert gone(zygote, child)
    assert results(replies) == [2]


def test_ctrl_c_in_the_terminal_reaches_no_worker(tmp_path: Path) -> None:
    run = _start_run(tmp_path, "signal.signal(signal.SIGINT, lambda *_: None)")
    _, worker, child = _run_pids(tmp_path)
    os.killpg(run.pid, signal.SIGINT)
    time.sleep(0.5)
    alive = living(worker) and living(child)
    run.kill()

    assert alive
    assert gone(worker, child)


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=["SIGKILL", "SIGTERM", "SIGINT"]
)
def test_nothing_is_left_of_a_run_that_is_killed(tmp_path: Path, number: int) -> None:
    run = _start_run(tmp_path, "")
    zygote, worker, child = _run_pids(tmp_path)
    os.kill(run.pid, number)
    run.wait(60)

    assert gone(zygote, worker, child)


def test_nothing_is_left_of_a_run_that_is_killed_while_a_fork_of_it_lives_on(tmp_path: Path) -> None:
    run = _start_run(tmp_path, "if os.fork() == 0: time.sleep(600); os._exit(0)", before=False)
    pids = _run_pids(tmp_path)
    run.kill()
    try:
        assert gone(*pids)
    finally:
        os.killpg(run.pid, signal.SIGKILL)  # the fork, which is there until now


def test_nothing_is_left_of_a_run_that_is_killed_during_the_setup(tmp_path: Path) -> None:
    run = _start_run(tmp_path, "setup = slow")
    until = time.monotonic() + 60
    while not (tmp_path / "setup").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    zygote = int((tmp_path / "setup").read_text() or 0)
    run.kill()

    assert gone(zygote)


def test_a_forked_process_makes_workers_of_its_own(tmp_path: Path) -> None:
    script = tmp_path / "flow.py"
    script.write_text(
        dedent("""
        import multiprocessing
        from kaon.dsl.places.pool import Pool
        from kaon.dsl.places.wire import Task

        def setup():
            return lambda task, tell: task

        def use():
            with pool.worker() as worker:
                worker.submit([Task(1)])
                return worker.pid, worker.replies(30)[0].result

        def child(queue):
            queue.put(use())
            pool.close()

        if __name__ == "__main__":
            with Pool(setup, size=1) as pool:
                here = use()
                context = multiprocessing.get_context("fork")
                queue = context.Queue()
                forked = context.Process(target=child, args=(queue,), daemon=True)
                forked.start()
                there = queue.get(timeout=30)
                forked.join()
                again = use()
            print(here == again, there[0] != here[0], there[1])
    """)
    )

    assert tasks.run_script(script) == "True True 1\n"


def _start_run(folder: Path, more: str, *, before: bool = True) -> "subprocess.Popen[bytes]":
    """Start a process in a group of its own whose worker waits for a process that its task started."""
    script = folder / "run.py"
    script.write_text(
        "\n".join(
            [
                "import os, signal, sys, time",
                "from pathlib import Path",
                "from tests.dsl.places.tasks import setup, start_child, task",
                "from kaon.dsl.places.pool import Pool",
                f"folder = Path({str(folder)!r})",
                "def slow():",
                "    (folder / 'setup').write_text(str(os.getpid()))",
                "    time.sleep(300)",
                more if before else "",
                "with Pool(setup, size=1) as pool, pool.worker() as worker:",
                "    worker.submit([task(start_child, folder / 'pids', False)])",
                "    (folder / 'zygote').write_text(str(pool.zygote_pid))",
                "" if before else f"    {more}",
                "    while worker.busy: worker.replies(1.0)",
            ]
        )
    )
    path = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(script)], start_new_session=True, env={**os.environ, "PYTHONPATH": path}
    )


def _run_pids(folder: Path) -> tuple[int, int, int]:
    worker, child = _pids(folder / "pids")
    return int((folder / "zygote").read_text()), worker, child


def _pids(file: Path) -> tuple[int, int]:
    until = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < until, "the task did not start"
        time.sleep(0.02)
    worker, child = file.read_text().split()
    return int(worker), int(child)
