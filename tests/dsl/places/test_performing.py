"""What a worker does with its socket, looked at from inside one process."""

import socket
import threading
import time
from collections.abc import Iterator
from mmap import mmap
from typing import Any

import pytest
from tests.dsl.places.tasks import MIB

from kaon.dsl.places.imports import ByFile
from kaon.dsl.places.performing import Tell, serve
from kaon.dsl.places.wire import DONE, FAILED, HEADER, LAST, NEWS, PAGE, TASK, TOLD, Word, message, pickled

Message = tuple[int, int, int, bytes]


class Other:
    """The other end of a worker's socket."""

    def __init__(self, line: socket.socket, word: Word) -> None:
        self.line = line
        self.word = word
        self._stream = line.makefile("rb")

    def send(self, kind: int, index: int, payload: Any, timeout: float = float("inf")) -> None:
        self.line.sendall(message(kind, 1, index, timeout, pickled(payload)))

    def next(self) -> Message:
        kind, batch, index, _, length = HEADER.unpack(self._stream.read(HEADER.size))
        return kind, batch, index, self._stream.read(length)


@pytest.fixture
def other() -> Iterator[Other]:
    here, there = socket.socketpair()
    here.settimeout(60)
    word = Word(mmap(-1, PAGE))

    def perform(payload: Any, tell: Tell) -> Any:
        if payload == "say":
            tell("said")
        if payload == "wait":
            time.sleep(0.2)
        if payload == "fail":
            raise ValueError("no")
        if payload == "running":
            running = word.read()
            return running and (running.batch, running.index, running.timeout)
        return payload

    thread = threading.Thread(target=serve, args=(there, word, perform, ByFile()))
    thread.start()
    yield Other(here, word)
    here.shutdown(socket.SHUT_RDWR)
    thread.join(60)
    assert not thread.is_alive()
    there.close()
    here.close()


def test_replies_of_a_batch_are_sent_at_its_end(other: Other) -> None:
    other.send(TASK, 0, "say")
    other.send(LAST, 1, "fail")

    assert other.next() == (TOLD, 1, 0, pickled("said"))
    assert other.next() == (DONE, 1, 0, pickled("say"))
    assert other.next()[:3] == (FAILED, 1, 1)


def test_what_is_told_is_sent_before_its_task_ends(other: Other) -> None:
    other.send(TASK, 0, "say")

    assert other.next()[0] == TOLD


def test_the_word_says_which_task_is_running(other: Other) -> None:
    other.send(TASK, 0, 0)
    other.send(LAST, 1, "running", 5.0)

    other.next()
    assert other.next() == (DONE, 1, 1, pickled((1, 1, 5.0)))
    assert other.word.read() is None


def test_news_of_modules_get_no_reply(other: Other) -> None:
    other.line.sendall(message(NEWS, 0, 0, 0.0, pickled([])))
    other.send(LAST, 0, "a")

    assert other.next() == (DONE, 1, 0, pickled("a"))


def test_a_large_message_is_whole(other: Other) -> None:
    large = bytes(8 * MIB)
    sender = threading.Thread(target=other.send, args=(LAST, 0, large))
    sender.start()

    assert other.next() == (DONE, 1, 0, pickled(large))
    sender.join()
