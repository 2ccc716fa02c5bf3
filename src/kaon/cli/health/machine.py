"""The machine: Java, Docker, ports, space, memory."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kaon.artifacts.amounts import size

from .finding import Finding, ok, trouble, warning

JAVA = 17
GIB = 1024**3
LITTLE_SPACE = 4 * GIB
NO_SPACE = GIB // 2
LITTLE_MEMORY = GIB
COMMAND_BOUND = 30.0


def look_at_machine(home: Path) -> Iterator[Finding]:
    """Yield what this machine has and lacks."""
    yield java()
    yield docker()
    yield base_image()
    yield from ports(home)
    yield space("home", home, "set KAON_HOME to a folder on another disk, or free some: kaon gc")
    yield space("temporary", Path(tempfile.gettempdir()), "set TMPDIR to a folder on another disk, or free some")
    yield memory()


def java() -> Finding:
    """Look for the Java that Spark needs, as Spark does: in JAVA_HOME, else on the PATH."""
    home = os.environ.get("JAVA_HOME")
    command = str(Path(home, "bin", "java")) if home else "java"
    why = f"steps on Spark need Java {JAVA} or newer: train_als with engine=spark, so the shipped workflow too"
    fix = f"on Debian 12 and Ubuntu: apt-get install openjdk-{JAVA}-jre-headless; elsewhere, set JAVA_HOME"
    try:
        shown = subprocess.run([command, "-version"], capture_output=True, text=True, timeout=COMMAND_BOUND).stderr
    except (OSError, subprocess.TimeoutExpired):
        return trouble("machine", "Java", f"there is no {command!r}", why=why, fix=fix)
    version = re.search(r'version "([\d._]+)', shown)
    if version is None or int(version[1].split(".")[0]) < JAVA:
        found = f"{command!r} is {f'version {version[1]}' if version else 'of no known version'}"
        return trouble("machine", "Java", found, why=why, fix=fix)
    return ok("machine", "Java", version[1])


def docker() -> Finding:
    """Ask the Docker engine whether it is there."""
    import docker as engine
    from docker.errors import DockerException

    try:
        client = engine.from_env(timeout=10)
        try:
            return ok("machine", "Docker", str(client.version()["Version"]))
        finally:
            client.close()
    except DockerException as error:
        return warning(
            "machine",
            "Docker",
            "no Docker engine answers",
            why=f"steps in containers cannot run: {error}",
            fix="start Docker, and see that this user may use it (docker ps); without such steps nothing is lost",
        )


def base_image() -> Finding:
    """Ask the engine for the image that publications are built upon."""
    from docker.errors import ImageNotFound

    from kaon.artifacts.publications.engine import EngineError, engine
    from kaon.steps.publishing.base_image import base_image as wanted

    name = wanted("")
    try:
        with engine(timeout=10) as client:
            try:
                return ok("machine", "base image", f"{name}, {size(int(client.images.get(name).attrs['Size']))}")
            except ImageNotFound:
                found = f"Docker does not have {name}"
    except EngineError as error:
        found = error.problem
    return warning(
        "machine",
        "base image",
        found,
        why="`publish` makes an image of it; without, it pulls the image, and where that fails publishes bundles alone",
        fix=f"docker pull {name}, or name one with python3 that is here: KAON_BASE_IMAGE=…",
    )


def ports(home: Path) -> Iterator[Finding]:
    """Look whether `kaon up` finds its usual ports free, or is up there."""
    from kaon import stack
    from kaon.artifacts.ports import port_is_free

    addresses = stack.addresses(home)
    usual = {"Prefect": stack.PREFECT_PORT, "MLflow": stack.MLFLOW_PORT, "the web application": stack.UI_PORT}
    for name, port in usual.items():
        check = f"port {port}"
        if port_is_free(port):
            yield ok("machine", check, f"free for {name}")
        elif any(f":{port}" in url for url in addresses):
            yield ok("machine", check, f"{name} is up there, started by `kaon up`")
        else:
            yield warning(
                "machine",
                check,
                "in use by another program",
                why=f"`kaon up` starts {name} there, and takes another free port now",
                fix="end that program, or use the address that `kaon up` prints",
            )


def space(check: str, folder: Path, fix: str) -> Finding:
    """Look whether the folder, or the one that it will be created in, can be written and has space."""
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        why = "runs keep everything there" if check == "home" else "steps write there"
        return trouble("machine", check, f"{folder} cannot be written", why=why, fix=f"chmod u+rwx {there}, or {fix}")
    free = shutil.disk_usage(there).free
    found = f"{folder}: {size(free)} free"
    if free < NO_SPACE:
        return trouble("machine", check, found, why="a run that finds the disk full fails", fix=fix)
    if free < LITTLE_SPACE:
        return warning("machine", check, found, why="a few models fill that", fix=fix)
    return ok("machine", check, found)


def memory() -> Finding:
    """Look how much memory is free for steps."""
    import psutil

    state = psutil.virtual_memory()
    found = f"{size(state.available)} of {size(state.total)} free, {len(os.sched_getaffinity(0))} cores"
    if state.available < LITTLE_MEMORY:
        why = "Spark alone takes 2 GiB; a process that asks for more than there is gets killed"
        return warning("machine", "memory", found, why=why, fix="end other programs, or use a larger machine")
    return ok("machine", "memory", found)
