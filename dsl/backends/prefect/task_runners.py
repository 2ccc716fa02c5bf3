"""Where the task runs of a flow run: threads of the run's process, or processes of Dask or Ray.

A cluster that the environment names (DASK_SCHEDULER_ADDRESS, RAY_ADDRESS) is used; otherwise one is started on this
machine for the flow run, and ends with it.
"""

import logging
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, assert_never

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from ...errors import Problem

if TYPE_CHECKING:
    from distributed import SpecCluster

RunnerName: TypeAlias = Literal["threads", "dask", "ray"]

RAY_STORE = 128 * 1024**2
"""Bytes of shared memory for Ray: Kaon's values travel through the store of artifacts."""


class RunnerMissing(Exception):
    """A task runner is not installed: which, why it is not, and how to install it."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(str(Problem(what, why=why, fix=fix)))


def task_runner(name: RunnerName, at_once: int) -> TaskRunner[Any]:
    """Return a task runner that runs `at_once` task runs at the same time.

    Raises RunnerMissing if what it needs is not installed.
    """
    match name:
        case "threads":
            return ThreadPoolTaskRunner(max_workers=at_once)
        case "dask":
            _check_installed(name, ("prefect_dask", "distributed"))
            return _dask(at_once)
        case "ray":
            _check_installed(name, ("prefect_ray", "ray"))
            return _ray(at_once)
        case _:
            assert_never(name)


def local_dask(at_once: int) -> "SpecCluster":
    """Start Dask on this machine: the scheduler in this process, and `at_once` worker processes of one thread each.

    `distributed.LocalCluster` would import the program that runs here anew in every worker; these begin empty.
    """
    from distributed import Scheduler, SpecCluster
    from distributed.deploy.subprocess import SubprocessWorker

    logging.getLogger("distributed").setLevel(logging.ERROR)
    options = {
        "nthreads": 1,
        "host": "127.0.0.1",
        "death_timeout": 60,
        "dashboard": False,
        "memory_limit": 0,  # Kaon's own limits are those of the step
        "silence_logs": logging.ERROR,
        "env": _environment(),
    }
    worker = {"cls": SubprocessWorker, "options": {"worker_class": "distributed.Nanny", "worker_kwargs": options}}
    served = {"host": "127.0.0.1", "dashboard": False, "dashboard_address": "127.0.0.1:0"}
    cluster: SpecCluster = SpecCluster(  # type: ignore[no-untyped-call]
        workers=dict.fromkeys(range(at_once), worker),
        scheduler={"cls": Scheduler, "options": served},
        worker=worker,
        name="kaon",
        silence_logs=logging.ERROR,
    )
    return cluster


def _dask(at_once: int) -> TaskRunner[Any]:
    from prefect_dask.task_runners import DaskTaskRunner

    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    started = {"cluster_class": local_dask, "cluster_kwargs": {"at_once": at_once}}
    runner: TaskRunner[Any] = DaskTaskRunner(**({"address": address} if address else started))
    return runner


def _ray(at_once: int) -> TaskRunner[Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    from prefect_ray.task_runners import RayTaskRunner

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = os.environ.get("RAY_ADDRESS")
    local = {
        "num_cpus": at_once,
        "include_dashboard": False,
        "object_store_memory": RAY_STORE,
        "runtime_env": {"env_vars": _environment()},
    }
    runner: TaskRunner[Any] = RayTaskRunner(address=address, init_kwargs=quiet if address else {**quiet, **local})
    return runner


def _environment() -> dict[str, str]:
    """Return what a worker's environment needs: the modules that this process finds, and no lines on the terminal."""
    return {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    }


def _check_installed(name: RunnerName, packages: tuple[str, ...]) -> None:
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise RunnerMissing(
            f"the task runner {name!r} is not installed",
            why=f"there is no package {' and no '.join(missing)} here",
            fix=f'pip install "kaon[{name}]", or task_runner="threads"',
        )
