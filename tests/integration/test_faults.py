"""Runs that are killed, stopped and starved at random instants keep every promise, at least two hundred times.

Each test does its harm at instants that a seed decides, lets a last run come to its end, and checks that every call
ended exactly once, that no artifact differs from those of a run that nobody disturbed, that no committed step ran
again, that nothing stored is damaged or lost, and that no process is left (storms.py, check_promises).
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from tests.integration.storms import (
    Forks,
    Place,
    Run,
    check_nothing_runs,
    check_promises,
    forks,
    storm,
)

from kaon.artifacts import Digest, State
from kaon.artifacts.collection import collect, garbage

STORMS = 9
KILLS = 16
WANTED = 200
MANY = 300
"""Items of a loop whose workers are killed while it goes on."""


@pytest.fixture(scope="module")
def kills() -> Counter[str]:
    """How many kills each test has done."""
    return Counter()


@pytest.fixture(scope="module")
def forking() -> Iterator[Forks]:
    with forks() as program:
        yield program


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    """A folder in memory where there is one: what a killed process has written stays there as it does on a disk."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="kaon-faults-", dir=memory if os.access(memory, os.W_OK) else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def calm(forking: Forks, ground: Path) -> Place:
    """Where a run went that nobody disturbed."""
    return undisturbed(Place(forking, ground / "calm"))


@pytest.fixture(scope="module")
def calm_and_wide(forking: Forks, ground: Path) -> Place:
    """The same with many items."""
    return undisturbed(Place(forking, ground / "calm and wide", many=MANY, environment={"PAUSE": "0"}))


def undisturbed(place: Place) -> Place:
    assert place.start().wait() == 0, place.log
    assert set(place.marks().values()) == {1}
    return place


@pytest.fixture
def place(forking: Forks, ground: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Where the runs of one test go."""
    folder = ground / request.node.name.replace("[", " ").rstrip("]")
    yield Place(forking, folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("seed", range(STORMS))
def test_a_run_killed_again_and_again_ends_as_an_undisturbed_one(
    seed: int, place: Place, calm: Place, kills: Counter[str], request: pytest.FixtureRequest
) -> None:
    kills[request.node.name] = storm(place, random.Random(seed), KILLS, Run.kill)

    check_promises(place, calm)
    assert kills[request.node.name] >= KILLS - 4


def test_collections_beside_killed_runs_take_nothing_that_is_wanted(
    place: Place, calm: Place, kills: Counter[str]
) -> None:
    def collect_and_kill(run: Run) -> bool:
        store = place.store
        if place.newest() is not None:
            collect(store, garbage(store, timedelta(0)))
        killed = run.kill()
        if place.newest() is not None:
            collect(store, garbage(store, timedelta(0)))
        return killed

    kills["beside collections"] = storm(place, random.Random(110), 10, collect_and_kill)

    check_promises(place, calm)


def test_a_killed_run_is_seen_as_dead_at_once_and_not_as_running_for_ever(place: Place, kills: Counter[str]) -> None:
    run = place.start()
    place.wait_for_marks(run, 10)
    kills["seen as dead"] += run.kill()
    records = place.store.records

    (record,) = records.runs()

    assert record.state == "failed"
    assert record.reason == f"its process died: there is no process {run.pid} any more"
    assert {step.state for step in records.step_runs(record.id)} <= {"completed", "failed"}


def test_a_run_that_is_told_to_end_records_every_step_and_continues(
    place: Place, calm: Place, kills: Counter[str]
) -> None:
    states: list[State] = []

    def terminate(run: Run) -> bool:
        sent = run.send(signal.SIGTERM)
        run.wait()
        newest = place.newest()
        if newest is not None and run.status not in (0, -signal.SIGTERM):  # it was there to hear it
            record = place.store.records.run(newest)
            states.append(record.state)
            assert record.ended is not None
            assert all(row.ended is not None for row in place.store.records.step_runs(newest, history=True))
        return sent

    kills["SIGTERM"] = storm(place, random.Random(101), 12, terminate)

    check_promises(place, calm)
    assert set(states) == {"cancelled"}


def test_a_stopped_run_that_wakes_up_after_another_took_over_changes_nothing(
    place: Place, calm: Place, kills: Counter[str]
) -> None:
    frozen: list[Run] = []

    def freeze(run: Run) -> bool:
        if place.newest() is None or not run.send(signal.SIGSTOP):
            return run.kill()
        while is_locked(place):  # stopped within a transaction, it would keep everybody from writing
            run.send(signal.SIGCONT)
            time.sleep(0.003)
            run.send(signal.SIGSTOP)
        frozen.append(run)
        silence(place)
        return True

    kills["SIGSTOP"] = storm(place, random.Random(102), 8, freeze, anew=0.0)
    check_promises(place, calm)
    before = everything(place)
    for run in frozen:
        run.send(signal.SIGCONT)
    ended = [run.wait() for run in frozen]

    assert len(frozen) >= 4
    assert set(ended) <= {0, 1} and ended.count(1) >= 4, place.log
    assert place.log.count("was taken over") >= 4
    assert everything(place) == before


def is_locked(place: Place) -> bool:
    """Say whether somebody is writing into the records at this moment."""
    with closing(sqlite3.connect(place.folder / "store" / "records.sqlite", timeout=0)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False


def silence(place: Place) -> None:
    """Let the records say that the newest run has shown no sign of life for a while."""
    with closing(sqlite3.connect(place.folder / "store" / "records.sqlite", timeout=30)) as connection:
        connection.execute("UPDATE runs SET heartbeat = datetime(heartbeat, '-1 minute') WHERE ended IS NULL")
        connection.commit()


def everything(place: Place) -> object:
    """Return all that the records say of steps and artifacts."""
    records = place.store.records
    runs = records.runs()
    return [
        [(run.id, run.state, run.generation) for run in runs],
        [row for run in runs for row in records.step_runs(run.id, history=True)],
        [made for run in runs for made in records.outputs(run.id)],
    ]


def test_two_runs_at_once_share_the_work(place: Place, calm: Place) -> None:
    runs = [place.start(), place.start()]

    assert [run.wait() for run in runs] == [0, 0], place.log
    assert set(place.marks().values()) == {1}
    check_promises(place, calm)
    keys: Counter[Digest | None] = Counter()
    for run in place.store.records.runs():
        rows = place.store.records.step_runs(run.id)
        keys.update(row.key for row in rows if row.state == "completed")
        assert len(rows) == len(calm.store.records.step_runs(1))
    assert set(keys.values()) == {1}


def test_of_two_runs_at_once_each_goes_on_when_the_other_is_killed(
    place: Place, calm: Place, kills: Counter[str]
) -> None:
    chance = random.Random(103)
    for _ in range(8):
        pair = [place.start(), place.start()]
        place.wait_for_marks(pair[0], chance.randrange(1, 20))
        victim = chance.choice(pair)
        kills["one of two"] += victim.kill()
        place.look()
        other = next(run for run in pair if run is not victim)
        place.wait_for_marks(other, chance.randrange(1, 10))
        kills["one of two"] += other.kill()
        place.look()
    last = [place.start(), place.start()]

    assert [run.wait() for run in last] == [0, 0], place.log
    check_promises(place, calm)


@pytest.fixture
def wide(forking: Forks, ground: Path, server: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Where runs on Prefect with many items go."""
    folder = ground / request.node.name
    yield Place(forking, folder, many=MANY, environment={"KAON_HOME": str(server), "PAUSE": "0.005"})
    shutil.rmtree(folder, ignore_errors=True)


def zygote_of(run: Run) -> psutil.Process | None:
    """Return the process that starts the workers of a run."""
    try:
        inner = psutil.Process(run.pid).children()
        return next((child for child in inner if any("zygote" in part for part in child.cmdline())), None)
    except psutil.NoSuchProcess:
        return None


def workers_of(run: Run) -> list[psutil.Process]:
    """Return the worker processes of a run."""
    zygote = zygote_of(run)
    try:
        return zygote.children() if zygote is not None else []
    except psutil.NoSuchProcess:
        return []


def harm_while_it_runs(
    run: Run, chance: random.Random, pause: tuple[float, float], victims: Callable[[], list[psutil.Process]], most: int
) -> int:
    """Kill a victim every now and then until the run ends; return how many there were."""
    killed = 0
    while run.lives and killed < most:
        for victim in chance.sample(found := victims(), min(1, len(found))):
            try:
                victim.kill()
                killed += 1
            except psutil.NoSuchProcess:
                continue
        time.sleep(chance.uniform(*pause))
    return killed


@pytest.mark.prefect
def test_killed_workers_lose_no_item(wide: Place, calm_and_wide: Place, kills: Counter[str]) -> None:
    run = wide.start(backend="prefect")
    kills["workers"] = harm_while_it_runs(run, random.Random(104), (0.02, 0.12), lambda: workers_of(run), 60)

    assert run.wait() == 0, wide.log
    check_promises(wide, calm_and_wide)
    check_nothing_runs(wide)
    assert kills["workers"] >= 20


@pytest.mark.prefect
def test_a_killed_zygote_loses_no_item(wide: Place, calm_and_wide: Place, kills: Counter[str]) -> None:
    run = wide.start(backend="prefect")

    def zygotes() -> list[psutil.Process]:
        found = zygote_of(run)
        return [found] if found is not None and found.children() else []

    kills["zygote"] = harm_while_it_runs(run, random.Random(105), (0.3, 1.0), zygotes, 3)

    assert run.wait() == 0, wide.log
    check_promises(wide, calm_and_wide)
    check_nothing_runs(wide)
    assert kills["zygote"] >= 1


@pytest.mark.prefect
def test_a_killed_run_on_prefect_leaves_no_process_and_is_resumed(
    wide: Place, calm_and_wide: Place, kills: Counter[str]
) -> None:
    chance = random.Random(106)
    for with_zygote in (False, True):
        run = wide.start(resume=wide.newest(), backend="prefect")
        wide.wait_for_marks(run, chance.randrange(50, 300))
        zygote = zygote_of(run)
        assert zygote is not None
        if with_zygote:
            zygote.kill()
        kills["run on Prefect"] += run.kill() + with_zygote
        check_nothing_runs(wide)
        wide.look()
    last = wide.start(resume=wide.newest(), backend="prefect")

    assert last.wait() == 0, wide.log
    check_promises(wide, calm_and_wide)


@pytest.mark.prefect
def test_a_run_goes_on_when_its_prefect_server_is_killed(
    forking: Forks, ground: Path, calm_and_wide: Place, kills: Counter[str]
) -> None:
    place = Place(forking, ground / "server", many=MANY, environment={"PAUSE": "0.005"})
    run = place.start(backend="prefect")
    place.wait_for_marks(run, 50)
    address = json.loads((place.folder / "home" / "prefect" / "server.json").read_text())
    os.kill(address["pid"], signal.SIGKILL)
    kills["Prefect server"] += 1
    place.look()
    run.wait()
    place.look()
    last = place.start(resume=place.newest() if run.status else None, backend="prefect")

    assert last.wait() == 0, place.log
    check_promises(place, calm_and_wide)


@pytest.fixture
def on_postgres(forking: Forks, ground: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Where runs go whose records are in a PostgreSQL database of their own."""
    from sqlalchemy import create_engine, make_url, text

    url = make_url(os.environ["KAON_TEST_POSTGRES"])
    name = f"kaon_faults_{os.getpid()}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    folder = ground / request.node.name
    records = url.set(database=name).render_as_string(hide_password=False)
    yield Place(forking, folder, store_url=f"{(folder / 'store').as_uri()}?records={records}")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.postgres
def test_a_run_survives_that_its_connections_to_the_records_are_ended(
    on_postgres: Place, calm: Place, kills: Counter[str]
) -> None:
    from sqlalchemy import create_engine, text

    database = on_postgres.store.records.database.url
    admin = create_engine(os.environ["KAON_TEST_POSTGRES"], isolation_level="AUTOCOMMIT")
    ended = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :name")
    chance = random.Random(107)
    run = on_postgres.start()
    on_postgres.wait_for_marks(run, 1)
    with admin.connect() as connection:
        while run.lives:
            found = connection.execute(ended, {"name": database.rpartition("/")[2]}).scalar_one()
            kills["connections"] += min(1, found)
            time.sleep(chance.uniform(0.05, 0.3))
    admin.dispose()

    assert run.wait() == 0, on_postgres.log
    assert set(on_postgres.marks().values()) == {1}
    check_promises(on_postgres, calm)


@pytest.mark.postgres
def test_a_killed_run_with_records_in_postgres_is_resumed(on_postgres: Place, calm: Place, kills: Counter[str]) -> None:
    kills["on PostgreSQL"] = storm(on_postgres, random.Random(108), 10, Run.kill)

    check_promises(on_postgres, calm)


@pytest.fixture
def small_disk(forking: Forks, tmp_path: Path) -> Iterator[Place]:
    """Where runs go whose disk has 8 MiB."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "kaon-faults", str(disk)], check=True)
    yield Place(forking, tmp_path / "runs", store_url=str(disk / "store"))
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_run_that_finds_the_disk_full_says_so_and_is_resumed_when_there_is_space(
    small_disk: Place, calm: Place
) -> None:
    chance = random.Random(109)
    disk = Path(small_disk.store_url).parent
    for _ in range(4):
        run = small_disk.start(resume=small_disk.newest())
        small_disk.wait_for_marks(run, chance.randrange(5, 30))
        fill(disk / "other")
        assert run.wait() == 1, small_disk.log
        (disk / "other").unlink()
        small_disk.look()
    last = small_disk.start(resume=small_disk.newest())

    assert last.wait() == 0, small_disk.log
    check_promises(small_disk, calm)
    assert small_disk.log.count("the store has no space left") >= 4


def fill(path: Path) -> None:
    """Write until there is no space left."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def test_all_of_this_was_at_least_two_hundred_kills(
    kills: Counter[str], request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    record_property("kills", dict(kills))
    chosen = [item for item in request.session.items if item.fspath == request.node.fspath]
    if len(chosen) < STORMS + 9:
        pytest.skip("only a part of the suite was chosen")

    print(kills.total(), "kills:", dict(kills))
    assert kills.total() >= WANTED, kills
