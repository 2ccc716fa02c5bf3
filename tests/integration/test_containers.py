"""Steps in containers of a real daemon: what goes in and comes out, why they fail, and that none is ever left."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.integration.counted import counted
from tests.integration.placed_steps import IMAGE, WORKFLOWS, square

from kaon import Docker, docker_step, for_each, open_store, run, secret, step, workflow
from kaon.artifacts import Directory, File, Store
from kaon.dsl.backends import Engine
from kaon.dsl.events import Event, ItemsEvent
from kaon.dsl.places.owner import owner

pytestmark = pytest.mark.docker
SCRIPT = Path(__file__).with_name("placed_steps.py")


@pytest.fixture
def store(kaon_home: Path) -> Store:
    """A store in a folder."""
    return open_store(str(kaon_home / "store"))


def containers(owned_by: str = "") -> list[Any]:
    """Return the containers of a process, or of any."""
    import docker

    label = f"kaon.owner={owned_by}" if owned_by else "kaon.owner"
    found: list[Any] = docker.from_env().containers.list(all=True, filters={"label": label}, ignore_removed=True)
    return found


def owned_by(pid: int) -> list[Any]:
    """Return the containers of the process of this machine with that id."""
    return [one for one in containers() if one.labels["kaon.owner"].split("/")[1] == str(pid)]


def running() -> int:
    """Return how many containers of this process run."""
    return sum(one.status == "running" for one in containers(owner()))


def awaited(condition: Callable[[], object], seconds: float = 60) -> bool:
    """Return whether a condition comes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def begun(kaon_home: Path) -> Iterator[Callable[[str], "subprocess.Popen[bytes]"]]:
    """Start a workflow of placed_steps in a process of its own, and end what is left of it."""
    begun: list[subprocess.Popen[bytes]] = []

    def begin(name: str) -> "subprocess.Popen[bytes]":
        env = {**os.environ, "KAON_GRACE": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
        begun.append(subprocess.Popen([sys.executable, str(SCRIPT), name, str(kaon_home / "store")], env=env))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()
        for container in owned_by(process.pid):
            container.remove(force=True)


def cause(command: str, store: Store, **options: Any) -> str:
    """Return why a step that runs a shell's text in a container fails."""
    usual = {"image": IMAGE, "shell": True, "outputs": {"o": File}, "name": "doomed"}
    doomed = docker_step(**{**usual, **options}, command=command)
    failed = run(workflow("doomed", [doomed]), store=store, raises=False)
    assert containers(owner()) == []
    return failed.failures[0].cause


def test_tables_folders_and_files_go_into_a_container_and_come_out(store, tmp_path):
    (tmp_path / "words.txt").write_text("from a setting\n")

    @step(output="table")
    def table() -> pd.DataFrame:
        return pd.DataFrame({"x": [1, 2, 3], "y": [0.5, None, 2.5]})

    turned = docker_step(
        image=IMAGE,
        command="cp {table} {csv}; mkdir {folder}; cp {words} {folder}/words.txt; id -u > {folder}/user",
        shell=True,
        inputs={"table": pd.DataFrame},
        settings={"words": Path("nothing")},
        outputs={"csv": pd.DataFrame, "folder": Directory},
        formats={"table": "csv", "csv": "csv"},
        name="turn",
    )
    result = run(workflow("turning", table >> turned), {"turn.words": str(tmp_path / "words.txt")}, store=store)

    pd.testing.assert_frame_equal(result["csv"], result["table"])
    assert (result["folder"].path / "words.txt").read_text() == "from a setting\n"
    assert (result["folder"].path / "user").read_text().strip() != "0"
    assert run(WORKFLOWS["wide"], store=store)["total"] == sum(i * i for i in range(12))


def test_inputs_cannot_be_changed(store):
    @step(output="numbers")
    def numbers() -> dict[str, int]:
        return {"one": 1}

    change = docker_step(
        image=IMAGE,
        command="if touch {numbers} || rm {numbers}; then exit 9; fi; echo kept > {o}",
        shell=True,
        inputs={"numbers": dict[str, int]},
        outputs={"o": File},
        name="change",
        user="0:0",
    )

    assert run(workflow("changing", numbers >> change), store=store)["o"].path.read_text() == "kept\n"


def test_a_container_that_uses_more_memory_than_its_limit_says_so(store):
    told = cause("python3 -c 'bytearray(500 << 20)'; exit $?; {o}", store, memory="50MiB")

    assert "SIGKILL (exit code 137)" in told
    assert "why: it used more memory than its limit of 50MiB" in told


def test_a_program_that_is_not_in_the_image_is_named(store):
    told = cause("nonesuch {o}", store, shell=False)

    assert "'nonesuch'" in told
    assert "is not there" in told


def test_an_image_that_is_not_here_says_how_to_get_it(store):
    told = cause("true {o}", store, image="kaon-nonesuch:1", pull="never")

    assert told == (
        "PlaceError: the image 'kaon-nonesuch:1' is not here\n"
        "  why: the daemon does not have it, and pull='never'\n"
        "  fix: docker pull kaon-nonesuch:1, docker build -t kaon-nonesuch:1 …, or pull='missing'"
    )


def test_more_cores_than_the_daemon_has_are_refused_with_its_reason(store):
    assert "Range of CPUs" in cause("true {o}", store, cpus=4096)


def test_a_daemon_that_does_not_answer_is_named(store, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonesuch/docker.sock")
    doomed = docker_step(image=IMAGE, command="true {o}", outputs={"o": File}, name="doomed")
    failed = run(workflow("doomed", [doomed]), store=store, raises=False)

    assert "no Docker daemon answers" in failed.failures[0].cause
    assert "at unix:///nonesuch/docker.sock" in failed.failures[0].cause


def test_another_image_runs_the_step_again_and_other_limits_do_not(store):
    def made(**options: Any) -> Any:
        return docker_step(image=IMAGE, command="echo 1 > {o}", shell=True, outputs={"o": File}, name="made", **options)

    runs = [
        run(workflow("made", [one]), store=store)
        for one in (made(), made(cpus=1, memory="100MiB"), made(env={"A": "1"}), made(env={"A": "2"}))
    ]

    artifacts = [result.artifact("o").id for result in runs]
    assert artifacts[0] == artifacts[1]
    assert len({*artifacts}) == 3


def test_a_secret_reaches_the_container_and_nothing_else(store, monkeypatch):
    monkeypatch.setenv("KAON_TEST_TOKEN", "s3cr3t-of-the-test")
    use = docker_step(
        image=IMAGE,
        command='printf %s "$TOKEN" | wc -c > {o}; echo the token is "$TOKEN"',
        shell=True,
        outputs={"o": int},
        env={"TOKEN": secret("KAON_TEST_TOKEN")},
        name="use",
    )
    secretive = workflow("secretive", [use])
    result = run(secretive, store=store)

    assert result["o"] == len("s3cr3t-of-the-test")
    assert [message.text for message in store.records.messages(result.run_id)] == ["the token is ***"]
    assert "s3cr3t" not in secretive.plan.to_json()
    assert '"env":{"TOKEN":{"secret":"KAON_TEST_TOKEN"}}' in secretive.plan.to_json()


def test_another_minor_version_of_python_is_refused_before_anything_runs(store, monkeypatch):
    @step(output="o", place=Docker(image=IMAGE))
    def one() -> int:
        return 1

    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
    failed = run(workflow("versions", [one]), store=store, raises=False)

    assert "was sent by Python 3.13, and this place has Python 3.11" in failed.failures[0].cause


def test_an_image_without_kaon_says_so(store):
    @step(output="o", place=Docker(image=IMAGE, packages="image"))
    def one() -> int:
        return 1

    failed = run(workflow("bare", [one]), store=store, raises=False)

    assert "KaonNotHere: Kaon cannot be imported in this place" in failed.failures[0].cause


@pytest.mark.parametrize("name", ["python", "container"])
def test_a_run_that_is_killed_leaves_no_container(begun, kaon_home, name):
    process = begun(name)
    assert awaited(lambda: [one for one in owned_by(process.pid) if one.status == "running"])

    process.send_signal(signal.SIGKILL)
    process.wait()

    assert awaited(lambda: not owned_by(process.pid))
    assert awaited(lambda: not list((kaon_home / "cache" / "jobs").glob("*")))


@pytest.mark.parametrize("name, at_once", [("container", 1), ("many", 2)])
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_stops_its_containers(begun, kaon_home, name, at_once, told):
    process = begun(name)
    assert awaited(lambda: len([one for one in owned_by(process.pid) if one.status == "running"]) == at_once)

    process.send_signal(told)

    assert awaited(lambda: process.poll() is not None)
    assert owned_by(process.pid) == []
    store = open_store(str(kaon_home / "store"))
    states = Counter(record.state for record in store.records.step_runs(1))
    assert (store.records.run(1).state, states) == ("cancelled", {"cancelled": at_once})


def test_the_next_run_removes_what_dead_runs_left_and_nothing_else(store):
    import docker

    ended = subprocess.Popen(["true"])
    ended.wait()
    host, _, _ = owner().split("/")
    label = "kaon.owner"
    dead = docker.from_env().containers.create(IMAGE, "true", labels={label: f"{host}/{ended.pid}/1"})
    alive = docker.from_env().containers.create(IMAGE, "true", labels={label: f"{host}/{os.getppid()}/1"})
    foreign = docker.from_env().containers.create(IMAGE, "true", labels={label: "elsewhere/1/1"})
    try:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, str(SCRIPT), "wide", store.url], env=env, check=True)

        left = {one.id for one in containers()}
        assert dead.id not in left
        assert foreign.id in left
    finally:
        for one in (dead, alive, foreign):
            if one.id in {left.id for left in containers()}:
                one.remove(force=True)


@pytest.mark.parametrize("backend", ["local", pytest.param("prefect", marks=pytest.mark.prefect)])
def test_a_wide_loop_runs_as_many_containers_at_once_as_are_allowed(store, tmp_path, backend, request):
    if backend == "prefect":
        request.getfixturevalue("server")
    gate = tmp_path / "gate"
    gate.mkdir()

    def open_when_they_have_met() -> None:
        awaited(lambda: 3 in counts, 60)
        (gate / "open").touch()

    waiting = docker_step(
        image=IMAGE,
        command="echo waiting; until [ -e {gate}/open ]; do sleep 0.1; done; cp {gate}/open {opened}",
        shell=True,
        inputs={"item": int},
        settings={"gate": gate},
        outputs={"opened": File},
        network="none",
        timeout=timedelta(minutes=2),
        name="wait",
    )
    wide = workflow("wide", [for_each(item=list(range(9))).do(waiting)])
    engine = Engine(wide=4, workers=1, steps_at_once=3)

    with counted(running) as counts:
        opening = threading.Thread(target=open_when_they_have_met)
        opening.start()
        result = run(wide, store=store, backend=backend, engine=engine)
        opening.join()

    assert max(counts) == 3
    assert len(result["opened"]) == 9
    assert containers(owner()) == []


def test_steps_of_this_process_take_turns_though_containers_of_their_loop_do_not(store):
    inside: list[int] = []
    most: list[int] = []

    @step(output="checked")
    def check(squared: int) -> int:
        inside.append(squared)
        time.sleep(0.05)
        most.append(len(inside))
        inside.remove(squared)
        return squared

    wide = workflow("turns", for_each(item=list(range(6))).do(square >> check))
    result = run(wide, store=store, engine=Engine(wide=4, steps_at_once=3))

    assert sorted(result["checked"].values()) == [0, 1, 4, 9, 16, 25]
    assert most == [1] * 6


def test_what_breaks_beside_containers_of_a_wide_loop_stops_them(store):
    class Unforeseen(Exception):
        pass

    def breaks(event: Event) -> None:
        if isinstance(event, ItemsEvent):
            assert awaited(lambda: [one for one in containers(owner()) if one.status == "running"])
            raise Unforeseen

    some = docker_step(
        image=IMAGE,
        command="[ {item} = 0 ] && sleep 1 || sleep 600; touch {slept}",
        shell=True,
        inputs={"item": int},
        outputs={"slept": File},
        name="doze",
    )
    many = workflow("many", [for_each(item=list(range(12))).do(some)])

    with pytest.raises(Unforeseen):
        run(many, store=store, engine=Engine(wide=4, steps_at_once=2), on_event=breaks)
    assert containers(owner()) == []


def test_a_step_whose_time_is_up_leaves_no_container(store):
    told = cause("trap '' TERM; sleep 600; {o}", store, timeout=timedelta(seconds=1))

    assert "timeout of 1 s" in told
