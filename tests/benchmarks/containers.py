"""What a sweep of steps in containers takes, beside starting as many containers by the docker SDK alone.

python -m tests.benchmarks.containers [COUNT]

KAON_TEST_BASE_IMAGE names an image with a shell that the daemon has.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.integration.counted import counted
from tests.integration.placed_steps import IMAGE, add, square

from kaon import for_each, open_store, run, workflow
from kaon.dsl.backends import Engine
from kaon.dsl.places.owner import owner

COUNT = 200
EXPLAINED = """\
Every container squares a number in a shell, without a network. By the SDK: `containers.run` and nothing else, as many
at once as Kaon runs. At once: the most that were counted in one look."""


def table(count: int = COUNT) -> Table:
    """Return what it takes to run so many containers each way."""
    shown = Table("", "containers", "in all", "a container", "at once", title="containers", title_justify="left")
    at_once = Engine().steps_at_once
    ways: dict[str, Callable[[int, int], None]] = {"Kaon, a sweep": _swept, "the docker SDK alone": _alone}
    for name, run_all in ways.items():
        with counted(lambda: len(_containers())) as most:
            begun = time.perf_counter()
            run_all(count, at_once)
            seconds = time.perf_counter() - begun
        shown.add_row(name, f"{count:,}", f"{seconds:.1f} s", f"{1000 * seconds / count:.0f} ms", f"{max(most)}")
    return shown


def _swept(count: int, at_once: int) -> None:
    """Run a sweep by Kaon; the sum of what the containers answered must be right, and none may be left."""
    wide = workflow("wide", for_each(item=list(range(count))).do(square) >> add)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "store"))
        found = run(wide, store=store, engine=Engine(workers=at_once, steps_at_once=at_once))
    assert found["total"] == sum(item * item for item in range(count))
    assert not _containers(), "a container was left"


def _alone(count: int, at_once: int) -> None:
    import docker

    client = docker.from_env(max_pool_size=2 * at_once)

    def square_of(item: int) -> int:
        command = ["sh", "-c", f"echo $(({item} * {item}))"]
        said = client.containers.run(IMAGE, command, remove=True, network_mode="none", labels={"kaon.owner": owner()})
        return int(said)

    with ThreadPoolExecutor(at_once) as threads:
        assert sum(threads.map(square_of, range(count))) == sum(item * item for item in range(count))


def _containers() -> list[object]:
    """Return the containers that Kaon has made, worker processes of a sweep included."""
    import docker

    found: list[object] = docker.from_env().api.containers(filters={"label": "kaon.owner"})
    return found


if __name__ == "__main__":
    Console(width=120).print(table(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT), EXPLAINED, sep="\n")
