"""A published recommender: one folder with everything that serving needs, its digests and its metrics. No pickle.

manifest.json        format, name, version, run, created, metrics, settings, and the digest of every other file
ids.json             users, items and markets, in the order of all arrays
sources.safetensors  histories, neighbours, popularity, and what every model says of users and items as vectors
models/*             the models that were chosen for the markets, for histories that training never saw
index.faiss          the items' ALS vectors, for retrieval
ranker.ubj           the ranker
genres.json          the genres of the items, where a catalogue knows them
golden.json          requests and what they are answered with, where the bundle was published by `publish`
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import faiss
import numpy as np
import xgboost

from kaon.artifacts import Digest, Json, digest_bytes, digest_value

from .build_index import by_inner_product
from .bundled_models import FOLDER as MODELS
from .bundled_models import ModelFiles, model_files
from .features import NAMES, feature_names, queries
from .list_ranker import ranked_scores
from .model_vectors import Model
from .reranking.genres import GenreTable, genre_table, genres_from, genres_json
from .source_arrays import source_arrays, source_ids, sources_from
from .sources import Rows, Sources, Vectors

FORMAT = 3
"""Raised whenever an older reader could not read what is written, or would misread it."""

MANIFEST = "manifest.json"
IDS, SOURCES, INDEX, RANKER = "ids.json", "sources.safetensors", "index.faiss", "ranker.ubj"
GENRES = "genres.json"
INDEX_ITEMS = "index_items"


class BundleError(ValueError):
    """A folder is no bundle that can be served; the message says which file is wrong, why, and the mend."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What a bundle is made of."""

    sources: Sources
    models: Mapping[str, Model]
    """The model that was chosen for each market."""
    index: faiss.Index
    index_items: Rows
    """Which item of `sources.item_ids` each vector of the index is."""
    ranker: xgboost.Booster
    genres: GenreTable | None = None
    """Of `sources.item_ids`; None or one without names where they are not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A bundle that was read and verified."""

    path: Path
    manifest: Mapping[str, Json]
    sources: Sources
    index: faiss.Index
    index_items: Rows
    """Which item of `sources.item_ids` each vector of the index is."""
    ranker: xgboost.Booster
    genres: GenreTable
    """Without names where the bundle holds none."""
    _rows: Mapping[str, int] = field(repr=False)

    def user_row(self, user_id: str) -> int:
        """Return where the user stands in `sources.user_ids`, -1 for one who has no history."""
        return self._rows.get(user_id, -1)

    def unknown_items(self, rows: Rows) -> int:
        """Return how many of the items (-1 for one that is not in the catalogue) nobody met."""
        return int(np.count_nonzero((rows < 0) | (self.sources.everywhere.users[np.maximum(rows, 0)] == 0)))

    def score(self, users: Rows, items: Rows) -> Vectors:
        """Return scores at no known moment, -inf for items -1: users (lists,), items (lists, candidates)."""
        return ranked_scores(self.ranker, self.sources, queries(self.sources, users, items))


@dataclass(frozen=True, slots=True)
class Written:
    """Where a bundle lies, and whether it was there before."""

    path: Path
    version: str
    digests: Mapping[str, Digest]
    existed: bool


def write_bundle(
    parts: Parts, folder: Path, about: Mapping[str, Json], beside: Mapping[str, bytes] | None = None
) -> Written:
    """Write a bundle to folder/<version>, all or nothing, and return where it is.

    The version follows from what the bundle holds: the same parts give the same version, which is then left as it is.
    A process that is killed leaves a hidden folder at most, which the next one that writes here removes.

    about: what else the manifest says: name, run, metrics, settings.
    beside: other files by their name, such as what a server is to be checked with; they count into the version.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(folder)
    partial = folder / f".partial-{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        models = model_files(parts.models)
        digests = _write_files(parts, models, partial)
        digests |= {name: _write(partial / name, raw) for name, raw in (beside or {}).items()}
        version = digest_value({"format": FORMAT, "files": dict(digests)}).removeprefix("sha256:")[:12]
        target = folder / version
        if not (target / MANIFEST).is_file():
            manifest = {
                "format": FORMAT,
                "version": version,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                **about,
                "features": list(feature_names(parts.sources)),
                "context": [column.name for column in parts.sources.context],
                "models": dict(models.of_market),
                "files": dict(sorted(digests.items())),
            }
            _write(partial / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False).encode())
            _synced(partial)
            partial.rename(target)
            _synced(folder)
            return Written(target, version, digests, existed=False)
        return Written(target, version, digests, existed=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def load_bundle(path: Path | str) -> Bundle:
    """Return the bundle of a folder, or the newest of a folder of versions, after the digest of every file was checked.

    Raises BundleError for what is missing, was changed, or was written by a newer Kaon.
    """
    folder = newest_version(Path(path))
    manifest = _manifest(folder)
    raw = {name: _verified(folder, name, Digest(str(digest))) for name, digest in _files(manifest, folder).items()}
    told = manifest.get("features")
    _check_features(folder, told[: len(NAMES)] if isinstance(told, list) else told, NAMES)
    from safetensors.numpy import load

    arrays = load(raw[SOURCES])
    sources = sources_from(arrays, raw[IDS])
    _check_features(folder, told, feature_names(sources))
    ranker = xgboost.Booster()
    ranker.load_model(bytearray(raw[RANKER]))
    ranker.set_param({"nthread": len(os.sched_getaffinity(0))})
    index = by_inner_product(faiss.deserialize_index(np.frombuffer(raw[INDEX], dtype=np.uint8)))
    rows = {str(user): row for row, user in enumerate(sources.user_ids)}
    genres = genres_from(raw[GENRES]) if GENRES in raw else genre_table(None, sources.item_ids)
    return Bundle(folder, manifest, sources, index, arrays[INDEX_ITEMS], ranker, genres, rows)


def _check_features(folder: Path, told: Json, computed: Sequence[str]) -> None:
    """Raise BundleError if the manifest tells of other features than these."""
    if told != list(computed):
        raise BundleError(
            f"{folder / MANIFEST}: the ranker learnt from other features than this Kaon computes; "
            "publish again with this Kaon, or rank with the one that published"
        )


def newest_version(path: Path) -> Path:
    """Return the folder of a bundle: this one, or the newest of a folder of versions. Raises BundleError."""
    if (path / MANIFEST).is_file() or not path.is_dir():
        return path
    versions = [
        folder for folder in path.iterdir() if not folder.name.startswith(".") and (folder / MANIFEST).is_file()
    ]
    return max(versions, key=lambda folder: str(_manifest(folder).get("created", "")), default=path)


def _write_files(parts: Parts, models: ModelFiles, folder: Path) -> dict[str, Digest]:
    from safetensors.numpy import save

    (folder / MODELS).mkdir(parents=True)
    digests = {
        IDS: _write(folder / IDS, source_ids(parts.sources)),
        SOURCES: _write(
            folder / SOURCES, save({**source_arrays(parts.sources), INDEX_ITEMS: parts.index_items.astype("i8")})
        ),
        RANKER: _write(folder / RANKER, bytes(parts.ranker.save_raw("ubj"))),
        INDEX: _write(folder / INDEX, faiss.serialize_index(by_inner_product(parts.index)).tobytes()),
        **{name: _write(folder / name, raw) for name, raw in models.content.items()},
    }
    _synced(folder / MODELS)
    if parts.genres is not None and parts.genres.names:
        digests[GENRES] = _write(folder / GENRES, genres_json(parts.genres))
    return digests


def _write(path: Path, raw: bytes) -> Digest:
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    return digest_bytes(raw)


def _synced(folder: Path) -> None:
    """Let the names in the folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear_abandoned(folder: Path) -> None:
    """Remove what writers that are gone left behind."""
    for path in folder.glob(".partial-*"):
        try:
            os.kill(int(path.name.removeprefix(".partial-")), 0)
        except (ValueError, ProcessLookupError):
            shutil.rmtree(path, ignore_errors=True)
        except PermissionError:
            continue


def _manifest(folder: Path) -> Mapping[str, Json]:
    try:
        manifest: Mapping[str, Json] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        written_as = manifest["format"]
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(
            f"{folder} is no bundle: it has no {MANIFEST}; `kaon publish list` shows where bundles are"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{folder / MANIFEST} cannot be read: {error!r}; publish the bundle again") from error
    if written_as != FORMAT:
        raise BundleError(
            f"{folder} is a bundle of format {written_as}, this Kaon reads format {FORMAT}; "
            "rank with the Kaon that published it, or publish again with this one"
        )
    return manifest


def _files(manifest: Mapping[str, Json], folder: Path) -> Mapping[str, Json]:
    files = manifest.get("files")
    if not isinstance(files, dict) or not {IDS, SOURCES, INDEX, RANKER} <= set(files):
        raise BundleError(f"{folder / MANIFEST} does not name the files of a bundle; publish the bundle again")
    return files


def _verified(folder: Path, name: str, digest: Digest) -> bytes:
    try:
        raw = (folder / name).read_bytes()
    except FileNotFoundError:
        raise BundleError(f"{folder} lacks {name}, which its manifest names; copy the bundle whole") from None
    found = digest_bytes(raw)
    if found != digest:
        raise BundleError(
            f"{folder / name} is not what was published: its digest is {found[:19]}…, "
            f"the manifest says {digest[:19]}…; copy the bundle again, or publish again"
        )
    return raw
