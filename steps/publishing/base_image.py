"""The image that publications are built upon."""

import json
import os
import sys
from typing import TYPE_CHECKING

from kaon.dsl import current_step

from .errors import NoImageHere
from .machine import GLIBC, Machine

if TYPE_CHECKING:
    from docker import DockerClient

ASKED = (
    "import json, platform, sys; print(json.dumps({'python': '{}.{}'.format(*sys.version_info), "
    "'system': sys.platform, 'processor': platform.machine(), 'libc': platform.libc_ver()[0] or 'other'}))"
)


def base_image(setting: str) -> str:
    """Return the base image: of the setting, else of KAON_BASE_IMAGE, else the official one of this Python."""
    return setting or os.environ.get("KAON_BASE_IMAGE") or "python:{}.{}-slim".format(*sys.version_info)


def found_base(client: "DockerClient", name: str) -> str:
    """Return the id of a base image, pulled if the engine does not have it. Raises NoImageHere."""
    from docker.errors import APIError, ImageNotFound

    try:
        return str(client.images.get(name).id)
    except ImageNotFound:
        current_step().log(f"pulling the base image {name} …")
    try:
        return str(client.images.pull(name).id)
    except APIError as error:
        raise NoImageHere(
            f"the base image {name!r} is not here and cannot be pulled",
            why=str(error.explanation or error),
            fix=f"docker pull {name} where there is network, or name one that is here: publish.base_image=… or "
            "KAON_BASE_IMAGE=…",
        ) from error


def machine_of(client: "DockerClient", name: str) -> Machine:
    """Return the Python and the processor of a base image. Raises NoImageHere."""
    from docker.errors import APIError, ContainerError

    try:
        said = client.containers.run(name, ["python3", "-c", ASKED], remove=True, network_mode="none")
        machine = Machine(**json.loads(said))
    except (APIError, ContainerError, ValueError) as error:
        raise NoImageHere(
            f"the base image {name!r} has no Python that answers",
            why=str(error),
            fix="set publish.base_image to one with python3, such as {}".format(base_image("")),
        ) from error
    if machine.libc != GLIBC:
        raise NoImageHere(
            f"the base image {name!r} has another C library than glibc",
            why="the wheels of faiss and xgboost are built for glibc",
            fix="take an image of Debian, Ubuntu or alike: publish.base_image={}".format(base_image("")),
        )
    return machine
