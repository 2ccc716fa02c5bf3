"""The program behind test_faults.py: it imports everything once, and then forks a process for each run that it is asked
for, so that a run costs milliseconds to start and can be killed like any process.

It reads a JSON object a line, and answers each with a line of JSON:

    {"store": …, "many": 40, "resume": 7, "backend": "local", "environment": {"MARKS": …}}    its process id
    {"ended": pid}    the exit status, as Popen.returncode has it, or null while the process lives

Every step leaves a line in the file that MARKS names, each time that it runs to its end.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple

from kaon import for_each, repeat, run, step, workflow
from kaon.artifacts import open_store


def work(*name: object) -> None:
    """Take some milliseconds, and leave a mark."""
    time.sleep(float(os.environ.get("PAUSE", "0.003")))
    mark = " ".join(map(str, name))
    marks = os.open(os.environ["MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(marks, f"{mark}\n".encode())
    os.close(marks)


@step(output="numbers")
def numbers(*, many: int = 40) -> list[int]:
    work("numbers")
    return list(range(many))


@step(output="squared", retries=6)
def square(number: int) -> int:
    work("square", number)
    return number * number


@step(output="blob", retries=6)
def enlarge(number: int, squared: int) -> str:
    work("enlarge", number)
    return f"{squared} " * 3000


@step(output="label", retries=6)
def describe(number: int, squared: int) -> str:
    work("describe", number)
    return f"{number} squared is {squared}"


@step(output="total")
def add_up(blob: Mapping[int, str], label: Mapping[int, str]) -> int:
    work("add_up")
    return sum(map(len, blob.values())) + sum(map(len, label.values()))


@step(output="polished", retries=6)
def polish(number: int, total: int, attempt: int) -> int:
    work("polish", number, attempt)
    return total * attempt + number


class Judged(NamedTuple):
    enough: bool
    best: int


@step
def judge(polished: Mapping[int, int], attempt: int) -> Judged:
    work("judge", attempt)
    return Judged(attempt == 2, max(polished.values()))


stormy = workflow(
    "stormy",
    numbers
    >> for_each(number="numbers").do(square >> [enlarge, describe])
    >> add_up
    >> repeat(until="enough", at_most=3).do(for_each(number="numbers").do(polish) >> judge),
)


@step(output="known")
def know() -> int:
    return 1


def serve() -> None:
    """Answer every line until there are no more."""
    run(workflow("known", know), store=open_store("memory://"))  # what a run imports is then imported
    import kaon.dsl.backends.prefect.run  # noqa: F401

    for line in sys.stdin:
        asked = json.loads(line)
        answer = _ended(asked["ended"]) if "ended" in asked else _forked(asked)
        print(json.dumps(answer), flush=True)


def _ended(pid: int) -> int | None:
    known, status = os.waitpid(pid, os.WNOHANG)
    return None if known == 0 else os.waitstatus_to_exitcode(status)


def _forked(asked: Mapping[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    os.environ.update(asked["environment"])
    nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(os.environ["LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, theirs)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        settings = {"numbers.many": asked["many"]}
        store = open_store(asked["store"])
        result = run(stormy, settings, store=store, backend=asked["backend"], resume=asked["resume"])
        print(result["best"], flush=True)
        status = 0
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    serve()
