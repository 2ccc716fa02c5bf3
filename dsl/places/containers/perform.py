"""Perform one try of a step in a container."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...context import Message
from ..attempt import Attempt, Job, Outcome
from ..environment import revealed
from ..errors import PlaceError
from ..exits import LastLines, failed
from ..guard import guard
from ..lines import Lines
from . import packages
from .asked import Asked
from .engine import engine, ensure_image, is_rootless, said_by, unreachable
from .reaper import OWNER, leave, reap

if TYPE_CHECKING:
    import docker

AT = "/kaon/job"
"""Where a container finds the job's folder."""
NOBODY = 65534
LOOK = 0.2
"""Seconds between two looks at whether the step may go on."""
GRACE = 2
"""Seconds between asking a container to end and killing it."""


def perform_in_container(place: Asked, attempt: Attempt) -> Outcome:
    """Perform a step in a container of its own, which is gone afterwards.

    Raises PlaceError if there is no daemon or image, or the container cannot be made; CommandFailed if it fails.
    """
    client = engine()
    reap(client)
    ensure_image(client, place.image, place.pull)
    with attempt.job() as job, guard().over("owner", attempt.owner):
        words = job.command(AT)
        with _container(client, place, attempt, job, words) as container:
            last = _run(client, container, attempt)
            _judge(place, container, words, last)
        return job.outcome()


@contextmanager
def _container(
    client: "docker.DockerClient", place: Asked, attempt: Attempt, job: Job, words: tuple[str, ...]
) -> Iterator[Any]:
    """Yield a container that is ready to be started, and remove it at the end of the block, whatever it does then."""
    import docker
    import requests

    user = place.user or _user(client)
    if user.partition(":")[0] != str(os.geteuid()):
        _give(job.folder, user)
    try:
        container = client.containers.create(**_configuration(place, attempt, job, words, user))
    except docker.errors.APIError as error:
        raise PlaceError(
            f"no container of {place.image!r} can be made",
            why=said_by(error),
            fix="ask for no more cores than the daemon has, and see whether it shares this machine's files",
        ) from error
    except requests.exceptions.RequestException as error:
        raise unreachable(error) from error
    try:
        yield container
    finally:
        _remove(container, attempt.tell)


def _configuration(place: Asked, attempt: Attempt, job: Job, words: tuple[str, ...], user: str) -> dict[str, Any]:
    import docker

    variables = {"HOME": f"{AT}/work", **job.environment(AT), **revealed(place.env)}
    mounts = {str(job.folder): _bind(AT, "rw"), str(job.folder / "in"): _bind(f"{AT}/in", "ro")}
    mounts |= {str(mount.source): _bind(mount.target, "ro") for mount in job.mounts(AT)}
    if place.packages == "here":
        mounts |= {str(folder): _bind(str(folder), "ro") for folder in packages.folders()}
        variables["PYTHONPATH"] = ":".join(packages.search_path())
    every = -1 if place.gpus == "all" else place.gpus
    gpus = [docker.types.DeviceRequest(count=every, capabilities=[["gpu"]])] if place.gpus else []
    return {
        "image": place.image,
        "entrypoint": list(words),
        "working_dir": f"{AT}/work",
        "environment": variables,
        "volumes": mounts,
        "user": user,
        "labels": {OWNER: attempt.owner, "kaon.run": str(attempt.run), "kaon.step": attempt.path},
        "nano_cpus": None if place.cpus is None else int(place.cpus * 1e9),
        "mem_limit": place.memory_bytes,
        "memswap_limit": place.memory_bytes,  # as much as memory: no swap
        "device_requests": gpus or None,
        "network": place.network or None,
        "init": True,  # hands signals on, and collects what the command leaves
        "security_opt": ["no-new-privileges"],
    }


def _bind(target: str, mode: str) -> dict[str, str]:
    return {"bind": target, "mode": mode}


def _user(client: "docker.DockerClient") -> str:
    """Return as whom a container runs, so that its files belong to whom the run's process can remove them from."""
    if is_rootless(client):
        return "0:0"
    return f"{NOBODY}:{NOBODY}" if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"


def _give(folder: Path, user: str) -> None:
    """Let another user read the job's inputs, and write the rest of its folder."""
    for path in (folder / "in").rglob("*"):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    number = user.partition(":")[0]
    for path in (folder, *(path for path in folder.rglob("*") if folder / "in" not in (path, *path.parents))):
        if os.geteuid() == 0 and number.isdigit():
            os.chown(path, int(number), -1)
        else:
            path.chmod(0o777 if path.is_dir() else 0o666)


def _run(client: "docker.DockerClient", container: Any, attempt: Attempt) -> str:
    """Run the container to its end, tell what it prints, and return the last lines of its stderr."""
    import docker
    import requests

    last = LastLines()
    try:
        stream = container.attach(stream=True, demux=True, stdout=True, stderr=True)
        container.start()
    except docker.errors.APIError as error:
        raise _not_started(container, error) from error
    except requests.exceptions.RequestException as error:
        raise unreachable(error) from error
    reader = threading.Thread(target=_hear, args=(stream, attempt.tell, last), name="kaon-output", daemon=True)
    reader.start()
    while reader.is_alive():
        reader.join(LOOK)
        attempt.go_on()
    return str(last)


def _hear(stream: Any, tell: Callable[[Message], None], last: LastLines) -> None:
    """Tell the lines of both streams of a container, to their ends."""

    def tell_error(line: str) -> None:
        last.add(line)
        tell(Message("log", line))

    printed, errors = Lines(lambda line: tell(Message("log", line))), Lines(tell_error)
    try:
        for out, err in stream:
            printed.add(out or b"")
            errors.add(err or b"")
    except Exception as error:  # the daemon went away: what became of the container is asked next
        tell(Message("log", f"the container's output ended early: {error}"))
    printed.end()
    errors.end()


def _judge(place: Asked, container: Any, words: tuple[str, ...], last: str) -> None:
    """Raise CommandFailed unless the container ended well."""
    import docker
    import requests

    try:
        code = int(container.wait(timeout=60)["StatusCode"])
        container.reload()
    except (requests.exceptions.RequestException, docker.errors.DockerException) as error:
        raise PlaceError(
            "the Docker daemon went away while the step ran",
            why=str(error),
            fix="start it, and run again: what had finished is kept",
        ) from error
    state = container.attrs["State"]
    if state.get("OOMKilled"):
        limit = f"its limit of {place.memory}" if place.memory else "what the machine has"
        raise failed(code, words, last, why=f"it used more memory than {limit}", fix="give it more: memory='4GiB'")
    if code:
        raise failed(code, words, last, why=state.get("Error") or "")


def _not_started(container: Any, error: Any) -> PlaceError:
    """Return the error for a container that was made and does not start."""
    why = said_by(error)
    program = container.attrs["Config"]["Entrypoint"][0]
    if "executable file not found" in why or "no such file or directory" in why:
        return PlaceError(
            f"the program {program!r} is not in the image {container.attrs['Config']['Image']!r}",
            why=why,
            fix="use an image that has it, or write its path",
        )
    return PlaceError("the container does not start", why=why, fix="see what the daemon says of it")


def _remove(container: Any, tell: Callable[[Message], None]) -> None:
    import docker
    import requests

    try:
        container.reload()
        if container.status == "running":
            container.stop(timeout=GRACE)
        container.remove(force=True)
    except docker.errors.NotFound:
        return
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        leave(container.id)
        tell(Message("log", f"the container {container.short_id} is left until the next one is made: {error}"))
