"""How far an application is, read from the API of its driver, which listens on loopback alone."""

import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PATIENCE = 2.0
"""Seconds that an answer may take."""
UNFINISHED = 0.99
"""The most that is told while the application runs: another job may follow."""
NONCE = "spark.kaon.step"
"""The property by which the API of this step's application is known from another's."""

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an application is."""

    fraction: float
    """The share of the tasks of all jobs so far that are done."""
    note: str
    """Which job and stages run now."""


class DriverApi:
    """The API of a driver, as long as it lives; what cannot be read is not there yet, or no longer."""

    def __init__(self, port: int, nonce: str) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/applications"
        self._nonce = nonce
        self._application = ""

    def standing(self) -> Standing | None:
        """Return how far the application is; None if it does not say."""
        if not self._found():
            return None
        jobs = self._read("jobs")
        return standing_of(jobs, self._read("stages?status=active") or []) if jobs else None

    def executor_logs(self) -> Mapping[str, str]:
        """Return the addresses at which the logs of executors are, by what they are: `executor 0 stderr`."""
        executors = (self._read("executors") or []) if self._found() else []
        return {
            f"executor {one['id']} {stream}": url
            for one in executors
            if one["id"] != "driver"
            for stream, url in sorted(one.get("executorLogs", {}).items())
        }

    def _found(self) -> bool:
        if not self._application:
            for one in read_json(self._url) or []:
                known = read_json(f"{self._url}/{one['id']}/environment") or {}
                if [NONCE, self._nonce] in known.get("sparkProperties", []):
                    self._application = one["id"]
        return bool(self._application)

    def _read(self, what: str) -> Any:
        return read_json(f"{self._url}/{self._application}/{what}")


def standing_of(jobs: Sequence[Mapping[str, Any]], stages: Sequence[Mapping[str, Any]]) -> Standing:
    """Return how far an application with these jobs is, of which these stages are active.

    >>> jobs = [{"jobId": 0, "status": "SUCCEEDED", "numTasks": 4, "numCompletedTasks": 4, "numSkippedTasks": 0},
    ...         {"jobId": 1, "status": "RUNNING", "numTasks": 6, "numCompletedTasks": 0, "numSkippedTasks": 2}]
    >>> stages = [{"stageId": 3, "numTasks": 4, "numCompleteTasks": 0, "name": "count at App.scala:7"}]
    >>> standing_of(jobs, stages)
    Standing(fraction=0.5, note='job 2 of 2, stage 3 (count at App.scala:7): 0 of 4 tasks')
    """
    tasks = sum(max(job["numTasks"] - job["numSkippedTasks"], 0) for job in jobs)
    done = sum(job["numCompletedTasks"] for job in jobs)
    ended = sum(job["status"] != "RUNNING" for job in jobs)
    shown = ", ".join(_stage(stage) for stage in sorted(stages, key=lambda stage: stage["stageId"]))
    note = f"job {min(ended + 1, len(jobs))} of {len(jobs)}" + (f", {shown}" if shown else "")
    return Standing(min(done / tasks, UNFINISHED) if tasks else 0.0, note)


def _stage(stage: Mapping[str, Any]) -> str:
    return f"stage {stage['stageId']} ({stage['name']}): {stage['numCompleteTasks']} of {stage['numTasks']} tasks"


def read_json(url: str) -> Any:
    """Return what is at an address of a driver's API; None while nothing, or no JSON, is there."""
    try:
        with _open(url, timeout=PATIENCE) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def log_lines(url: str, most: int) -> Iterator[str]:
    """Yield the last lines of an executor's log, from the page of the worker that keeps it.

    most: bytes. Raises OSError if the worker does not answer.
    """
    address = url.replace("/logPage", "/log", 1)
    joined = "&" if "?" in address else "?"
    with _open(f"{address}{joined}byteLength={most}", timeout=PATIENCE) as answer:
        text = answer.read().decode(errors="replace")
    heading, _, rest = text.partition("\n")
    yield from (rest if heading.startswith("====") else text).splitlines()
