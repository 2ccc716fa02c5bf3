"""A daemon that goes away in the middle of a step: the run says so, and a second run completes."""

import os
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.test_containers import awaited

from kaon import docker_step, open_store, run, workflow
from kaon.artifacts import File

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not shutil.which("dockerd") or os.geteuid() != 0, reason="starts a daemon of its own, as root"),
]
PROGRAMS = ("/bin/sh", "/bin/sleep")


class Daemon:
    """A Docker daemon of the test's own, with an image that holds a shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/d.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        at = self.folder
        paths = [f"--data-root={at}/data", f"--exec-root={at}/exec", f"--host={self.host}", f"--pidfile={at}/pid"]
        log = (at / "log").open("ab")
        self.process = subprocess.Popen(
            ["dockerd", *paths, "--bridge=none", "--iptables=false"], stdout=log, stderr=log
        )
        assert awaited(lambda: self.docker("info").returncode == 0, 60), (at / "log").read_text()

    def stop(self) -> None:
        """Stop it, with its containers."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def docker(self, *words: str) -> "subprocess.CompletedProcess[bytes]":
        """Run docker's command line against it."""
        return subprocess.run(["docker", "-H", self.host, *words], capture_output=True)


@pytest.fixture
def daemon(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A daemon that DOCKER_HOST names."""
    found = Daemon(tmp_path_factory.mktemp("d"))
    image = found.folder / "image.tar"
    with tarfile.open(image, "w") as archive:
        for file in sorted({file for program in PROGRAMS for file in (program, *libraries(program))}):
            archive.add(os.path.realpath(file), arcname=file.lstrip("/"))
    found.start()
    assert found.docker("import", str(image), "mini:1").returncode == 0
    monkeypatch.setenv("DOCKER_HOST", found.host)
    yield found
    found.stop()


def libraries(program: str) -> list[str]:
    """Return the libraries that a program loads."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return [word for word in told.split() if word.startswith("/")]


def test_a_daemon_that_stops_in_the_middle_fails_the_step_and_a_second_run_completes(daemon, kaon_home, tmp_path):
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

    daemon.stop()
    began = time.monotonic()
    thread.join(90)

    assert not thread.is_alive()
    assert time.monotonic() - began < 60
    assert "daemon" in results[0].failures[0].cause
    assert not list((kaon_home / "cache" / "jobs").glob("*"))
    daemon.start()
    flag.touch()
    assert run(waiting, store=store)["o"].path.read_text() == "done\n"
    assert awaited(lambda: not daemon.docker("ps", "--all", "--quiet", "--filter=label=kaon.owner").stdout)
