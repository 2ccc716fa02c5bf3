"""What is asked of a container."""

from dataclasses import dataclass, field
from typing import Literal

from ...resources import Resources
from ..environment import Variables, check_variables


@dataclass(frozen=True, slots=True)
class Asked:
    """A container. Raises ValueError for limits that are none."""

    image: str
    """A name with a tag or digest. Another name runs the step again; another image of the same name does not."""
    cpus: float | None = None
    """Processor cores; None: no limit."""
    memory: str = ""
    """A size such as "512MiB", above which the container is killed; empty: no limit."""
    gpus: int | Literal["all"] = 0
    env: Variables = field(default_factory=dict)
    """Variables, secrets by reference."""
    network: str = ""
    """A network of the daemon's, such as "none" or "host"; empty: its default one."""
    pull: Literal["missing", "always", "never"] = "missing"
    """When the image is pulled."""
    user: str = ""
    """As `docker run --user`; empty: the user of the run, or `nobody` where that is root."""
    packages: Literal["here", "image"] = "here"
    """Where a function finds Kaon and what it imports: "here", the packages of the run, mounted only to be read, which
    fits images with the same libc; or "image", those that the image has."""

    def __post_init__(self) -> None:
        if not self.image:
            raise ValueError('Docker(image="") names no image\nwrite for example image="python:3.11-slim"')
        Resources(1.0 if self.cpus is None else self.cpus, self.memory)
        check_variables(self.env)
        for said, known in (("pull", ("missing", "always", "never")), ("packages", ("here", "image"))):
            if getattr(self, said) not in known:
                raise ValueError(f"{said}={getattr(self, said)!r} says nothing\nwrite one of {', '.join(known)}")

    @property
    def memory_bytes(self) -> int | None:
        """The limit of memory in bytes."""
        return Resources(1.0, self.memory).memory_bytes
