"""Building an image."""

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

from kaon.artifacts.publications import labels
from kaon.artifacts.publications.engine import as_engine_errors, refused, went_away
from kaon.dsl import current_step

from .errors import NotPublishable

if TYPE_CHECKING:
    from docker import DockerClient

LINES_TOLD = 15


def image_made_by(client: "DockerClient", recipe: str) -> str | None:
    """Return the id of the image that this recipe made before, None if there is none."""
    found = client.images.list(filters={"label": f"{labels.RECIPE}={recipe}"})
    return str(found[0].id) if found else None


def build(client: "DockerClient", context: IO[bytes], base: str, marks: Mapping[str, str]) -> str:
    """Return the id of the image that Docker builds from the archive, without network. Raises NotPublishable."""
    lines: list[str] = []
    made = ""
    with as_engine_errors():
        for said in client.api.build(
            fileobj=context,
            custom_context=True,
            buildargs={"BASE_IMAGE": base},
            labels=dict(marks),
            network_mode="none",
            rm=True,
            forcerm=True,
            decode=True,
        ):
            if "error" in said:
                raise _not_built(client, str(said["error"]), lines)
            made = said.get("aux", {}).get("ID", made)
            lines += str(said.get("stream", "")).splitlines()
            if said.get("stream", "").startswith("Step "):
                current_step().status(said["stream"].strip()[:100])
    if not made:
        raise _not_built(client, "Docker ended the build without an image", lines)
    return made


def _not_built(client: "DockerClient", why: str, lines: list[str]) -> Exception:
    """Return the error for a build that failed; an engine that is being stopped says no more than that it cancelled."""
    from docker.errors import DockerException
    from requests import RequestException

    if full := [line for line in [why, *lines] if "no space left" in line.lower()]:
        return refused(full[0].strip())
    client.close()  # on connections that it has, an engine that is being stopped goes on answering
    try:
        client.ping()
    except (DockerException, RequestException):
        return went_away(why)
    told = "\n    ".join([why, *lines[-LINES_TOLD:]])
    return NotPublishable(
        "the image cannot be built",
        why=f"{told}",
        fix="the lines above say what failed; is publish.base_image a Debian or Ubuntu with python3?",
    )
