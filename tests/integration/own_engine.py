"""A Docker engine of a test's own, which may be stopped, started again, and given a small disk."""

import os
import signal
import subprocess
import time
from pathlib import Path
from uuid import uuid4

import docker


class OwnEngine:
    """dockerd on folders, a socket and a bridge of its own; the machine's engine only lends it the bridge."""

    def __init__(self, folder: Path, disk: str = "") -> None:
        self.folder = folder
        self.url = f"unix://{folder}/docker.sock"
        self._disk = disk
        self._log = (folder / "dockerd.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self._bridge = f"kaon{uuid4().hex[:8]}"
        (folder / "data").mkdir()
        if disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={disk}", "tmpfs", folder / "data"], check=True)
        machine = docker.from_env()
        self._network = machine.networks.create(
            self._bridge, driver="bridge", options={"com.docker.network.bridge.name": self._bridge}
        )

    def start(self) -> docker.DockerClient:
        """Start it and return a client once it answers."""
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "dockerd.pid"}
        self._process = subprocess.Popen(
            [
                "dockerd",
                f"--host={self.url}",
                f"--bridge={self._bridge}",
                "--iptables=false",
                "--ip-masq=false",
                *(f"--{option}={self.folder / place}" for option, place in places.items()),
            ],
            stdout=self._log,
            stderr=self._log,
        )
        until = time.monotonic() + 60
        while True:
            try:
                client = docker.DockerClient(self.url, timeout=120)
                client.ping()
                return client
            except docker.errors.DockerException:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise AssertionError((self.folder / "dockerd.log").read_text()[-3000:]) from None
                time.sleep(0.2)

    def stop(self) -> None:
        """Stop it as a machine does that shuts down."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
            self._process = None

    def close(self) -> None:
        """Stop it and leave nothing behind."""
        self.stop()
        self._log.close()
        with open("/proc/mounts") as file:
            mounted = [line.split()[1] for line in file]
        for place in sorted((one for one in mounted if one.startswith(str(self.folder))), reverse=True):
            subprocess.run(["umount", "-l", place], check=False)
        self._network.remove()


def give_image(client: docker.DockerClient, name: str) -> None:
    """Copy an image of the machine's engine to another one."""
    client.images.load(b"".join(docker.from_env().images.get(name).save(named=True)))


def can_start() -> bool:
    """Return whether this process may start an engine: it is root."""
    return os.geteuid() == 0
