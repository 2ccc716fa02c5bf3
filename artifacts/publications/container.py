"""Containers of published images: started, waited for, stopped."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ..errors import ArtifactsError
from ..ports import LOOPBACK
from . import labels

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

INSIDE = 8000
"""The port that the server listens on in its container."""
READY_WITHIN = 120.0
"""Seconds that a server has to read its bundle."""
DRAINED_WITHIN = 20
"""Seconds that a server has to answer what it was asked before it is stopped."""
LOG_LINES = 15
ARITHMETIC = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")
"""Variables that choose among kernels of OpenBLAS and NumPy, each of which adds up in another order."""


class NotReady(ArtifactsError):
    """A container that ended or never became ready; the error has the last lines of its log."""


@contextmanager
def trial(client: DockerClient, image: str, name: str, version: str, within: float = READY_WITHIN) -> Iterator[str]:
    """Yield the URL of a server of the image that is ready, on a free port of loopback; it is gone after the block.

    What a publication that was killed left behind goes first: the caller holds the lock of the name.
    Raises NotReady.
    """
    role = [f"{labels.NAME}={name}", f"{labels.ROLE}=check"]
    for abandoned in client.containers.list(all=True, filters={"label": role}):
        abandoned.remove(force=True)
    marks = {labels.NAME: name, labels.VERSION: version, labels.ROLE: "check"}
    container = create(client, image, f"kaon-check-{name}", marks, None, {"KAON_GOLDEN_FROM_OUTSIDE": "1"})
    try:
        yield started(container, within)
    finally:
        with suppress(Exception):  # the engine may be what failed, and the next trial removes it
            container.remove(force=True)


def create(
    client: DockerClient,
    image: str,
    name: str,
    marks: Mapping[str, str],
    port: int | None,
    environment: Mapping[str, str] | None = None,
) -> Container:
    """Return a container that is not started: it can write nothing, gain no rights, and listens on loopback only.

    port: None for any that is free.
    """
    return client.containers.create(
        image,
        name=name,
        labels=dict(marks),
        environment={**_arithmetic(), **(environment or {})},
        ports={f"{INSIDE}/tcp": (LOOPBACK, port)},
        read_only=True,
        tmpfs={"/tmp": "size=64m"},
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        restart_policy={"Name": "no" if port is None else "unless-stopped"},
        detach=True,
    )


def started(container: Container, within: float = READY_WITHIN) -> str:
    """Start a container and return its URL once its server is ready. Raises NotReady."""
    container.start()
    until = time.monotonic() + within
    while True:
        container.reload()
        if container.status not in ("created", "running"):
            state = container.attrs["State"]
            raise _not_ready(container, f"it ended with exit code {state['ExitCode']}{_killed(state)}")
        url = url_of(container)
        status, told = readiness(url) if url else (0, "")
        if status == 200:
            return url
        if told:
            raise _not_ready(container, f"it says: {told}")
        if time.monotonic() > until:
            raise _not_ready(container, f"it did not answer GET /readyz with 200 within {within:g} s")
        time.sleep(0.1)


def url_of(container: Container) -> str:
    """Return where a running container listens, empty if nowhere."""
    bound = (container.attrs["NetworkSettings"]["Ports"] or {}).get(f"{INSIDE}/tcp")
    return f"http://{LOOPBACK}:{bound[0]['HostPort']}" if bound else ""


def readiness(url: str) -> tuple[int, str]:
    """Return the status of GET /readyz, 0 where nobody answers, and why the server refuses its bundle."""
    try:
        status, told = ask(url, "GET", "/readyz", timeout=5.0)
    except (OSError, http.client.HTTPException):
        return 0, ""
    return status, str(told.get("reason", "")) if isinstance(told, dict) else ""


def ask(url: str, method: str, path: str, body: object = None, timeout: float = 30.0) -> tuple[int, Any]:
    """Return the status and the decoded JSON of an answer, None where it is no JSON.

    Raises OSError or HTTPException where nobody answers.
    """
    host, _, port = url.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        raw = None if body is None else json.dumps(body).encode()
        connection.request(method, path, raw, {"Content-Type": "application/json"} if raw else {})
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, None


def last_lines(container: Container) -> str:
    """Return the end of a container's log."""
    return str(container.logs(tail=LOG_LINES).decode("utf-8", "replace")).strip()


def _arithmetic() -> dict[str, str]:
    """Return the variables by which this process chose how sums are rounded: the server is to round alike."""
    return {name: os.environ[name] for name in ARITHMETIC if name in os.environ}


def _killed(state: Mapping[str, Any]) -> str:
    return ", killed for want of memory" if state.get("OOMKilled") else ""


def _not_ready(container: Container, why: str) -> NotReady:
    log = last_lines(container) or "(nothing)"
    told = "\n    ".join(log.splitlines())
    return NotReady(
        f"the server in the container {container.name!r} does not become ready",
        why=f"{why}; the last lines of its log:\n    {told}",
        fix="the log says what is wrong; if the machine was only slow, do the same again",
    )
