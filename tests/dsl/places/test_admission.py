"""Admission: no more at once than the machine has, first come, first served."""

import threading
import time
from textwrap import dedent

import psutil
import pytest

from kaon.dsl.places.admission import Admission, usable_memory
from kaon.dsl.places.errors import TooLarge

GIB = 2**30


def test_no_more_cores_are_in_use_than_there_are() -> None:
    admission = Admission(cores=2, memory=GIB)
    inside, most = 0, 0
    lock, both = threading.Lock(), threading.Barrier(2, timeout=60)

    def use() -> None:
        nonlocal inside, most
        with admission.admitted(1):
            with lock:
                inside += 1
                most = max(most, inside)
            both.wait()
            with lock:
                inside -= 1

    _in_threads(*[use] * 10)

    assert most == 2


def test_memory_is_promised_too() -> None:
    admission = Admission(cores=8, memory=4 * GIB)
    admission.acquire(1, 3 * GIB)
    order: list[str] = []

    def wait() -> None:
        with admission.admitted(1, 2 * GIB):
            order.append("admitted")

    def give() -> None:
        time.sleep(0.2)
        order.append("released")
        admission.release(1, 3 * GIB)

    _in_threads(wait, give)

    assert order == ["released", "admitted"]


def test_a_large_one_is_not_overtaken_for_ever() -> None:
    admission = Admission(cores=2, memory=GIB)
    admission.acquire(1)
    large_waits, small_waits = threading.Event(), threading.Event()
    order: list[str] = []

    def large() -> None:
        with admission.admitted(2, waiting=large_waits.set):
            order.append("large")

    def small() -> None:
        assert large_waits.wait(60)
        with admission.admitted(1, waiting=small_waits.set):
            order.append("small")
            small_waits.set()

    def give() -> None:
        assert small_waits.wait(60)
        admission.release(1)

    _in_threads(large, small, give)

    assert order == ["large", "small"]


def test_a_wait_can_be_given_up_and_holds_up_nobody() -> None:
    admission = Admission(cores=1, memory=GIB)
    admission.acquire(1)

    def cancelled() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        admission.acquire(1, waiting=cancelled)
    admission.release(1)
    admission.acquire(1)


def test_tenths_of_a_core_add_up_to_one() -> None:
    admission = Admission(cores=1, memory=GIB)
    for _ in range(10):
        admission.acquire(0.1)
    for _ in range(10):
        admission.release(0.1)

    admission.acquire(1)


def test_more_cores_than_there_are_are_refused_at_once() -> None:
    with pytest.raises(TooLarge) as refused:
        Admission(cores=2, memory=GIB).acquire(3)

    assert str(refused.value) == dedent("""\
        3 cores are asked for, and there are 2

          why: it would wait for ever
          fix: ask for at most 2: Resources(cpus=2)""")


def test_more_memory_than_there_is_is_refused_at_once() -> None:
    with pytest.raises(TooLarge) as refused:
        Admission(cores=2, memory=GIB).acquire(1, 2 * GIB)

    assert str(refused.value) == dedent("""\
        2 GiB of memory are asked for, and there are 1 GiB

          why: it would wait for ever
          fix: ask for at most 1 GiB: Resources(memory=…)""")


def test_the_machines_memory_is_an_upper_bound() -> None:
    assert 0 < usable_memory() <= psutil.virtual_memory().total


def _in_threads(*functions: object) -> None:
    threads = [threading.Thread(target=function) for function in functions]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
        assert not thread.is_alive()
