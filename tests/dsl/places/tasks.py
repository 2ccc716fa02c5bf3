"""What the workers of these tests can do, and how the tests drive them."""

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from kaon.dsl.places.performing import Perform, Tell
from kaon.dsl.places.wire import Died, Done, Failed, Reply, Task
from kaon.dsl.places.worker import Worker

MIB = 2**20


def setup() -> Perform:
    """Return a perform that calls the function it is given: (function, *arguments)."""
    return perform


def perform(payload: Any, tell: Tell) -> Any:
    function, *arguments = payload
    return function(*arguments) if function is not saying else function(tell, *arguments)


def task(function: Callable[..., Any], *arguments: Any, timeout: float | None = None) -> Task:
    return Task((function, *arguments), timeout)


def drive(worker: Worker, tasks: Sequence[Task], patience: float = 60.0) -> list[Reply]:
    """Submit, and return all replies until nothing more is awaited."""
    worker.submit(tasks)
    return list(awaited(worker, patience))


def awaited(worker: Worker, patience: float = 60.0) -> Iterator[Reply]:
    until = time.monotonic() + patience
    while worker.busy:
        assert time.monotonic() < until, "the worker hangs"
        yield from worker.replies(1.0)


def results(replies: Sequence[Reply]) -> list[Any]:
    assert all(isinstance(reply, Done) for reply in replies), replies
    return [reply.result for reply in replies if isinstance(reply, Done)]


def failure(replies: Sequence[Reply]) -> Failed:
    [failed] = [reply for reply in replies if isinstance(reply, Failed)]
    return failed


def death(replies: Sequence[Reply]) -> Died:
    [died] = [reply for reply in replies if isinstance(reply, Died)]
    return died


def gone(*pids: int, within: float = 30.0) -> bool:
    """Return whether the processes are gone in time."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not any(living(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def living(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def echo(value: Any) -> Any:
    return value


def pid() -> int:
    return os.getpid()


def saying(tell: Tell, message: Any, seconds: float) -> None:
    tell(message)
    time.sleep(seconds)


def fail() -> None:
    raise ValueError("no ratings")


def leave(code: int) -> None:
    os._exit(code)


def call_exit(code: int) -> None:
    sys.exit(code)


def kill_me(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(300)


def crash() -> None:
    ctypes.string_at(0)


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def sleep_in_c(seconds: int) -> None:
    """Sleep in foreign code that holds the lock of the interpreter, so that no line of Python runs."""
    ctypes.PyDLL(None).sleep(seconds)


def start_child(file: Path, own_session: bool) -> None:
    """Start a process that sleeps, write its number to a file, and wait for it."""
    command = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    child = subprocess.Popen(command, start_new_session=own_session)
    part = file.with_suffix(".part")
    part.write_text(f"{os.getpid()} {child.pid}")
    part.rename(file)
    child.wait()


def take_memory(size: int) -> None:
    held = b"1" * size
    time.sleep(300)
    assert held


def take_memory_in_children(size: int, count: int) -> None:
    code = f"import time; held = b'1' * {size}; time.sleep(30)"
    for child in [subprocess.Popen([sys.executable, "-S", "-c", code]) for _ in range(count)]:
        child.wait()


def unpicklable() -> Any:
    return threading.Lock()


class Unreadable:
    """Can be pickled, and cannot be read back."""

    def __reduce__(self) -> Any:
        return _refuse, ()


def _refuse() -> None:
    raise ValueError("cannot be read")


def unreadable() -> Unreadable:
    return Unreadable()


def open_files() -> list[str]:
    """Return what this process has open above its standard streams."""
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    found = []
    for name in os.listdir(folder):
        if int(name) > 2:
            try:
                found.append(os.readlink(f"{folder}/{name}"))
            except OSError:
                continue  # the folder itself
    return found


def streams() -> tuple[str, bool]:
    return sys.stdin.read(), os.path.sameopenfile(1, 2)


def cores() -> int:
    return len(os.sched_getaffinity(0))


def variable(name: str) -> str | None:
    return os.environ.get(name)


def random_numbers() -> float:
    import random

    return random.random()


def run_script(script: Path) -> str:
    """Return what a script prints."""
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
