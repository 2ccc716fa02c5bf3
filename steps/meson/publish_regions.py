"""Publish the best model of every region: as a folder, and as an image whose answers were checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import pyarrow as pa
from pydantic import Field

from kaon.artifacts import digest_bytes, kaon_home
from kaon.dsl import current_step, step

from . import image, lists, serve_regions
from .lists import recommended
from .region_models import from_global, popular_in, regional

HERE = Path(__file__).parent
ASKED = 5
"""Questions of each region that the container has to answer as was computed here."""
K = 10


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
        return _as_image(short, folder, files, models, train, base_image, name)
    except image.NoDocker as error:
        if publisher == "docker":
            raise
        note = f"published as a folder alone, not as an image: {error}"
        current_step().log(note)
        return Published(short, str(folder), "", "", 0, 0, note)


def _as_image(
    version: str,
    folder: Path,
    files: Mapping[str, bytes],
    models: Mapping[str, Any],
    train: pd.DataFrame,
    base: str,
    name: str,
) -> Published:
    with image.engine() as client:
        made = image.built(client, image.base_image(client, base), files, version)
        current_step().progress(0.6, f"image {made[7:19]}")
        questions = _questions(models, train)
        try:
            with image.started(client, made, version) as url:
                image.check(url, K, questions)
        except image.Skew:
            client.images.remove(made, force=True)
            raise
        found = client.images.get(made)
        for tag in (version, "latest"):
            found.tag(name, tag)
        note = f"published as the image {name}:{version}; serve it with: docker run -p 8000:8000 {name}:{version}"
        current_step().log(note)
        return Published(
            version, str(folder), made, f"{name}:{version}", int(found.attrs["Size"]), len(questions), note
        )


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


def _questions(models: Mapping[str, Any], train: pd.DataFrame) -> list[tuple[str, list[str], list[tuple[str, float]]]]:
    """Return some histories of each region with the lists that are right for them, and one of who is new."""
    asked = []
    for region, model in models.items():
        here = train[train["region"] == region]
        histories = here.groupby("user_id")["item_id"].agg(list).head(ASKED - 1)
        for history in [*histories, []]:
            items = [str(item) for item in history][:50]
            asked.append((region, items, recommended(items, model["neighbours"], model["popular"], K)))
    return asked
