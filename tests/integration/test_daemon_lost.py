"""A daemon that goes away in the middle of a step: the run says so, and a second run completes."""

import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator

import pytest
from tests.integration.own_engine import OwnEngine, can_start
from tests.integration.test_containers import awaited

from kaon import docker_step, open_store, run, workflow
from kaon.artifacts import File

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not shutil.which("dockerd") or not can_start(), reason="starts a daemon of its own, as root"),
]
PROGRAMS = ("/bin/sh", "/bin/sleep")


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnEngine]:
    """An engine that DOCKER_HOST names, with an image that holds a shell."""
    folder = tmp_path_factory.mktemp("d")
    image = folder / "image.tar"
    with tarfile.open(image, "w") as archive:
        for file in sorted({file for program in PROGRAMS for file in (program, *libraries(program))}):
            archive.add(os.path.realpath(file), arcname=file.lstrip("/"))
    found = OwnEngine(folder)
    found.start().api.import_image(str(image), repository="mini", tag="1")
    monkeypatch.setenv("DOCKER_HOST", found.url)
    yield found
    found.close()


def libraries(program: str) -> list[str]:
    """Return the libraries that a program loads."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return [word for word in told.split() if word.startswith("/")]


def test_a_daemon_that_stops_in_the_middle_fails_the_step_and_a_second_run_completes(engine, kaon_home, tmp_path):
    store = open_store(str(kaon_home / "store"))
    folder = tmp_path / "seen"
    folder.mkdir(mode=0o755)  # the container's user is to see into it
    flag = folder / "go_on"
    waits = docker_step(
        image="mini:1",
        command="echo begun; while [ ! -e {flag}/go_on ]; do sleep 0.1; done; echo done > {o}",
        shell=True,
        outputs={"o": File},
        settings={"flag": folder},
        network="none",
        name="waits",
    )
    waiting = workflow("waiting", [waits])
    results = []
    thread = threading.Thread(target=lambda: results.append(run(waiting, store=store, raises=False)))
    thread.start()
    assert awaited(lambda: [message.text for message in store.records.messages(1)] == ["begun"])

    engine.stop()
    thread.join(180)

    assert not thread.is_alive()
    assert "daemon" in results[0].failures[0].cause
    assert not list((kaon_home / "cache" / "jobs").glob("*"))
    client = engine.start()
    flag.touch()
    assert run(waiting, store=store)["o"].path.read_text() == "done\n"
    assert awaited(lambda: not client.containers.list(all=True, filters={"label": "kaon.owner"}))
