"""Pushing an image to a registry."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kaon.artifacts.publications.engine import as_engine_errors

from .errors import NotPublishable

if TYPE_CHECKING:
    from docker import DockerClient


def push(client: "DockerClient", tags: Sequence[str], registry: str) -> str:
    """Push those of the tags that belong to the registry, and return the digest that it knows the image by.

    Raises NotPublishable if the registry does not take it.
    """
    digest = ""
    for tag in tags:
        if not tag.startswith(f"{registry}/"):
            continue
        repository, _, name = tag.rpartition(":")
        with as_engine_errors():
            for said in client.api.push(repository, name, stream=True, decode=True):
                if "error" in said:
                    raise NotPublishable(
                        f"the registry {registry!r} does not take {tag}",
                        why=str(said["error"]),
                        fix="see that it is up and that `docker login` let this user in; then run again: "
                        "what was built is kept",
                    )
                digest = said.get("aux", {}).get("Digest", digest)
    return digest
