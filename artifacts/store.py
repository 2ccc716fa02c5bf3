"""The store: values in, artifacts out, and back."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

from .artifact import Artifact
from .blobs import Blobs, open_blobs
from .blobs.blobs import corrupt
from .digest import Digest, digest_bytes
from .errors import CorruptArtifact, MissingBlob, StoreError
from .home import kaon_home
from .kinds import Kind, kind_for, kind_named
from .kinds.annotations import is_optional, stripped
from .records.calls import Answer, Begin, Committed, Ending, NewOutput
from .records.record import Lease
from .trouble import writing

if TYPE_CHECKING:
    from .records.records import Records

INLINE = 4096
"""Bytes up to which a value lives in the records."""

NEEDS_A_FILE = ("file", "directory")
"""Kinds whose values are paths, so that their bytes are better a file from the start."""

IN_MEMORY = 64 << 20
"""Bytes up to which a value is written in memory before it is stored."""


def open_store(url: str | Path | None = None) -> Store:
    """Return the store at a folder or URL; nothing is created before the first write.

    url: None for `kaon_home()/store`; a folder; `memory://` for a store that ends with the process; or a URL that
    fsspec knows, with the records by SQLAlchemy URL: `s3://bucket/kaon?records=postgresql+psycopg://host/kaon`.
    """
    from .records.database import Database
    from .records.records import Records

    place = str(kaon_home() / "store" if url is None else url)
    blobs_url, records_url = _split(place)
    return Store(place, open_blobs(blobs_url), Records(Database(records_url)))


def _split(place: str) -> tuple[str, str]:
    """Return where the blobs and where the records are."""
    if "://" not in place:
        folder = Path(place).expanduser().absolute()
        return str(folder), f"sqlite:///{folder / 'records.sqlite'}"
    blobs, _, query = place.partition("?")
    if query.startswith("records="):
        return blobs, query.removeprefix("records=")
    parts = urlsplit(blobs)
    if parts.scheme == "memory":
        return blobs, "sqlite://"
    if parts.scheme == "file":
        return _split(parts.path)
    raise StoreError(
        f"the store {place!r} does not say where its records are",
        why="blobs can lie in an object store, but records need a database",
        fix=f"add one by its SQLAlchemy URL: {blobs}?records=postgresql+psycopg://user@host/kaon",
    )


class Store:
    """Artifacts: their bytes in blobs (small ones in the records), what is known of them in the records.

    Safe to use from many threads and processes at once.
    """

    def __init__(self, url: str, blobs: Blobs, records: Records) -> None:
        self.url = url
        """Where it is, as given to open_store."""
        self.blobs = blobs
        self.records = records

    def dumped(
        self, value: object, name: str, annotation: object, check: Callable[[BinaryIO], None] | None = None
    ) -> NewOutput:
        """Return the value as its annotation says it is stored, its bytes in the blobs if they are many.

        check: is given the bytes before any is stored; it raises if they must not be, else leaves them at their start.

        Nothing is recorded, so this may be done in any process: `finish_steps` records it.
        Raises NoKind, NotStorable, WrongType, StoreFull, StoreNotWritable.
        """
        kind = _kind(value, annotation)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
            stream = cast(BinaryIO, spool)
            with writing(tempfile.gettempdir()):
                kind.dump(value, stream)
            size = stream.tell()
            stream.seek(0)
            if kind.name == "json" and value is not None:
                kind.load(stream, annotation)
                stream.seek(0)
            if check is not None:
                check(stream)
            inline = stream.read() if size <= INLINE and kind.name not in NEEDS_A_FILE else None
            digest = digest_bytes(inline) if inline is not None else self.blobs.put(stream).digest
        return NewOutput(name, kind.name, digest, size, kind.summary(value), inline)

    def begin_steps(self, lease: Lease, calls: Sequence[Begin]) -> list[Answer]:
        """Record each call as skipped, with outputs committed under its key whose bytes are all there, or as running.

        A running step claims its key: for a call whose key another one claims, nothing is recorded, and `Elsewhere`
        says which run makes its outputs. Raises Fenced, AlreadyEnded.
        """
        return self.records.begin_steps(lease, calls, self._has_blob)

    def finish_steps(self, lease: Lease, endings: Sequence[Ending]) -> list[dict[str, Artifact]]:
        """End steps that were begun, record what they made and said, and return their artifacts by the outputs' names.

        All is recorded at once, or nothing. Raises Fenced, AlreadyEnded, UnknownRecord.
        """
        return self.records.finish_steps(lease, endings)

    def get(
        self,
        artifact: Artifact,
        wanted: object = object,
        inline: Mapping[Digest, bytes | None] | None = None,
    ) -> object:
        """Return the artifact's value as `wanted` asks; `object` leaves the form to its kind.

        inline: what `records.inline_values` returned, for one who reads many.
        Raises CorruptArtifact if its bytes are damaged, MissingBlob if they are gone, WrongType, NoKind.
        """
        with self.open(artifact, inline) as source:
            if artifact.kind == "json" and is_optional(wanted) and source.read(5) == b"null":
                return None
            source.seek(0)
            kind = kind_named(artifact.kind)
            return kind.load(source, wanted if kind.name == "json" else stripped(wanted))

    def open(self, artifact: Artifact, inline: Mapping[Digest, bytes | None] | None = None) -> BinaryIO:
        """Return the artifact's bytes to read, checked. Raises CorruptArtifact, MissingBlob."""
        try:
            known = inline is not None and artifact.digest in inline
            raw = inline[artifact.digest] if inline and known else self.records.inline_value(artifact.digest)
            if raw is None:
                return self.blobs.open(artifact.digest)
            found = digest_bytes(raw)
            if found != artifact.digest:
                raise corrupt(artifact.digest, found, self.records.database.url)
            return io.BytesIO(raw)
        except (CorruptArtifact, MissingBlob) as error:
            raise type(error)(
                f"artifact {artifact.id} ({artifact.name}) cannot be read: {error.problem}",
                where=error.where,
                why=error.why,
                fix=error.fix,
            ) from error

    def holds(self, artifact: Artifact) -> bool:
        """Say whether the artifact's bytes are there; they are checked when read."""
        return self.records.inline_value(artifact.digest) is not None or self.blobs.exists(artifact.digest)

    def find(self, key: Digest) -> Committed | None:
        """Return the outputs last committed under the step key whose bytes are all there, or None.

        What comes back is a mapping from the output's name to its artifact; `.run` is the run that committed it.
        """
        for committed in self.records.commits(key):
            if all(self.holds(artifact) for artifact in committed.values()):
                return committed
        return None

    def committed(self, keys: Collection[Digest]) -> dict[Digest, Committed]:
        """Return, for each of these step keys that has any, the outputs as `find` does."""
        return self.records.committed(keys, self._has_blob)

    def _has_blob(self, artifact: Artifact) -> bool:
        return self.blobs.exists(artifact.digest)


def _kind(value: object, annotation: object) -> Kind[object]:
    """Return the annotation's kind; json for None where the annotation allows it."""
    if value is None and is_optional(annotation):
        return kind_named("json")
    return kind_for(annotation)
