"""Publish the best model of every region: as a folder, and as an image whose answers were checked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import pyarrow as pa
from pydantic import Field

from kaon.artifacts import digest_bytes, kaon_home
from kaon.artifacts.publications import NotReady, Skew
from kaon.artifacts.publications.container import trial
from kaon.artifacts.publications.engine import NoEngine, engine
from kaon.artifacts.publications.golden import Golden, replay
from kaon.artifacts.publications.lock import publishing_alone
from kaon.dsl import current_step, step

from ..publishing.base_image import base_image as base_of
from ..publishing.base_image import found_base
from ..publishing.build import build
from ..publishing.context import archive_of
from ..publishing.errors import NoImageHere
from . import lists, serve_regions
from .lists import recommended
from .region_models import from_global, popular_in, regional

HERE = Path(__file__).parent
ASKED = 5
"""Questions of each region that the container has to answer as was computed here."""
K = 10
MARK = "kaon.meson"
"""The label of these images: their version."""
MEND = (
    "start Docker, and name a base image with python3 that is here: publish_regions.base_image=… or KAON_BASE_IMAGE=…"
)


@dataclass(frozen=True)
class Published:
    """What was published, and how it was checked."""

    version: str
    folder: str
    image: str
    """The image's id; empty if none was made."""
    tag: str
    size: int
    """Bytes of the image."""
    checked: int
    """Lists that the container made as they were computed here."""
    note: str
    """What was done, in words."""


@step(output="published")
def publish_regions(
    train: pd.DataFrame,
    choices: dict[str, str],
    global_factors: pa.Table,
    neighbours: Mapping[str, pa.Table],
    *,
    publisher: Literal["auto", "docker", "bundle"] = "auto",
    base_image: str = "",
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")] = "kaon-meson",
) -> Published:
    """Return the receipt of the published models: a folder in KAON_HOME/bundles, and an image that serves them.

    publisher: docker for an image, bundle for a folder alone, auto for an image if a Docker engine answers.
    base_image: what the image is built upon; empty for KAON_BASE_IMAGE, else the official one of this Python.
    name: of the image and of the folder.
    """
    models = {
        region: _model(train[train["region"] == region], choice, global_factors, neighbours[region])
        for region, choice in choices.items()
    }
    files = _files(models)
    version = digest_bytes(b"".join(f"{path} {len(raw)}\n".encode() + raw for path, raw in sorted(files.items())))
    short = version.removeprefix("sha256:")[:12]
    folder = _written(kaon_home() / "bundles" / name / short, files)
    if publisher == "bundle":
        note = "published as a folder alone, as publish_regions.publisher=bundle asks"
        return Published(short, str(folder), "", "", 0, 0, note)
    try:
        return _as_image(short, folder, files, _golden(models, train), base_of(base_image), name)
    except (NoEngine, NoImageHere) as error:
        why = f"{error.problem}: {error.why}"
        if publisher == "docker":
            raise NoImageHere(why, fix=f"{MEND}; or choose publish_regions.publisher=bundle") from error
        note = f"published as a folder alone, not as an image: {why}; for an image, {MEND}"
        current_step().log(note)
        return Published(short, str(folder), "", "", 0, 0, note)


def _as_image(
    version: str, folder: Path, files: Mapping[str, bytes], golden: Sequence[Golden], base: str, name: str
) -> Published:
    """Return the receipt of an image that answered as was computed here; one that does not is removed."""
    with engine() as client, publishing_alone(kaon_home(), name):
        found_base(client, base)
        made = build(client, archive_of({**files, "version": version.encode()}), base, {MARK: version})
        current_step().progress(0.6, f"image {made[7:19]}")
        try:
            with trial(client, made, name, version) as url:
                replayed = replay(url, golden)
        except (Skew, NotReady):
            client.images.remove(made, force=True)
            raise
        found = client.images.get(made)
        for tag in (version, "latest"):
            found.tag(name, tag)
        size = int(found.attrs["Size"])
    note = f"published as the image {name}:{version}; serve it with: docker run -p 8000:8000 {name}:{version}"
    current_step().log(note)
    return Published(version, str(folder), made, f"{name}:{version}", size, replayed.requests, note)


def _model(train: pd.DataFrame, choice: str, factors: pa.Table, own: pa.Table) -> dict[str, Any]:
    popular = popular_in(train)
    neighbours = from_global(factors, popular) if choice == "global" else regional(own)
    return {"model": choice, "popular": popular, "neighbours": neighbours}


def _files(models: Mapping[str, Any]) -> dict[str, bytes]:
    """Return what the image is built from: the code that made the lists here, and the models."""
    code = {f"meson/{Path(str(module.__file__)).name}": module for module in (lists, serve_regions)}
    return {
        "Dockerfile": (HERE / "Dockerfile").read_bytes(),
        "models.json": json.dumps(models, sort_keys=True).encode(),
        "meson/__init__.py": b"",
        **{path: Path(str(module.__file__)).read_bytes() for path, module in code.items()},
    }


def _written(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _golden(models: Mapping[str, Any], train: pd.DataFrame) -> list[Golden]:
    """Return some histories of each region with the lists that are right for them, and one of who is new."""
    asked = []
    for region, model in models.items():
        here = train[train["region"] == region]
        histories = here.groupby("user_id")["item_id"].agg(list).head(ASKED - 1)
        for history in [*histories, []]:
            items = [str(item) for item in history][:50]
            right = recommended(items, model["neighbours"], model["popular"], K)
            ids, scores = tuple(item for item, _ in right), tuple(score for _, score in right)
            asked.append(Golden("/recommend", {"region": region, "items": items, "k": K}, ids, scores))
    return asked
