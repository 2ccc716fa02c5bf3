"""An image of published models: built, started, and asked the same questions as were answered here."""

import io
import json
import os
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from docker import DockerClient

MARK = "kaon.meson"
"""The label of these images and containers."""
PATIENCE = 60.0
"""Seconds until a server answers."""
NEAR = 1e-6
"""How far a score may be off."""
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class NoDocker(Exception):
    """No image can be made here: no engine answers, or it has no base image."""


class Skew(Exception):
    """A container answers otherwise than was computed here."""


@contextmanager
def engine() -> Iterator["DockerClient"]:
    """Yield the Docker engine. Raises NoDocker if none answers."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=120)
        client.ping()
    except DockerException as error:
        raise NoDocker(
            f"no Docker engine answers: {error}\n  fix: start it (dockerd), or choose publish_regions.publisher=bundle"
        ) from error
    try:
        yield client
    finally:
        client.close()


def base_image(client: "DockerClient", setting: str) -> str:
    """Return the base image: of the setting, else of KAON_BASE_IMAGE, else the official one of this Python.

    Raises NoDocker if the engine does not have it and cannot pull it.
    """
    from docker.errors import DockerException, ImageNotFound

    name = setting or os.environ.get("KAON_BASE_IMAGE") or "python:{}.{}-slim".format(*sys.version_info)
    try:
        client.images.get(name)
    except ImageNotFound:
        try:
            client.images.pull(name)
        except DockerException as error:
            raise NoDocker(
                f"the base image {name!r} is not here and cannot be pulled: {error}\n"
                "  fix: name one that is here: publish_regions.base_image=… or KAON_BASE_IMAGE=…"
            ) from error
    return name


def built(client: "DockerClient", base: str, files: Mapping[str, bytes], version: str) -> str:
    """Return the id of an image of these files, built without network. Raises NoDocker with what the build said."""
    from docker.errors import BuildError

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)  # of nobody in particular, at the beginning of time
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    archive.seek(0)
    try:
        image, _ = client.images.build(
            fileobj=archive,
            custom_context=True,
            buildargs={"BASE_IMAGE": base, "VERSION": version},
            labels={MARK: version},
            network_mode="none",
            rm=True,
            forcerm=True,
        )
    except BuildError as error:
        said = "\n    ".join(str(line.get("stream", line)).rstrip() for line in error.build_log)
        raise NoDocker(f"the image cannot be built: {error}\n    {said}") from error
    return str(image.id)


@contextmanager
def started(client: "DockerClient", image: str, version: str) -> Iterator[str]:
    """Yield the address of a server of an image, on a port of loopback; it is gone at the end of the block.

    Raises Skew, with what it said, if it does not answer in time.
    """
    container = client.containers.run(
        image, detach=True, ports={"8000/tcp": ("127.0.0.1", None)}, labels={MARK: version}, mem_limit="1g"
    )
    try:
        yield _answering(container)
    finally:
        container.remove(force=True)


def check(url: str, k: int, questions: Sequence[tuple[str, list[str], list[tuple[str, float]]]]) -> None:
    """Ask a server for lists of k: (region, items met, the list that is right). Raises Skew if one is another."""
    for region, items, right in questions:
        asked = urlencode({"region": region, "items": ",".join(items), "k": k})
        try:
            with _open(f"{url}/recommend?{asked}", timeout=10) as answer:
                found = [(one["item"], one["score"]) for one in json.load(answer)["items"]]
        except OSError as error:
            raise Skew(f"the container does not answer in {region} for {items[:5]}: {error}") from error
        same = [item for item, _ in found] == [item for item, _ in right]
        if not same or any(abs(score - wanted) > NEAR for (_, score), (_, wanted) in zip(found, right, strict=True)):
            raise Skew(f"the container answers otherwise than was computed, in {region} for {items[:5]}: {found[:3]}…")


def _answering(container: Any) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        container.reload()
        ports = container.ports.get("8000/tcp")
        if container.status == "exited":
            break
        if ports:
            url = f"http://127.0.0.1:{ports[0]['HostPort']}"
            try:
                with _open(f"{url}/healthz", timeout=2):
                    return url
            except OSError:
                pass  # it is starting
        time.sleep(0.1)
    said = container.logs(tail=20).decode(errors="replace")
    raise Skew(f"the container does not answer within {PATIENCE:g} s; it said:\n{said}")
