"""Typed, immutable artifacts, and the records of what made them."""

if __name__ == "artifacts":
    raise ImportError("this folder is the package 'kaon.artifacts': write: from kaon.artifacts import …")

from .artifact import Artifact, LoopKeys, Origin
from .blobs import Blobs
from .digest import Digest, digest_bytes, digest_stream, digest_value
from .errors import (
    AlreadyEnded,
    ArtifactsError,
    BrokenKind,
    CorruptArtifact,
    Fenced,
    MissingBlob,
    NewerStore,
    NoKind,
    NotDigestible,
    NotStorable,
    RecordsError,
    StillRunning,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreNotWritable,
    TrackingError,
    UnknownRecord,
    WrongType,
)
from .home import kaon_home
from .json_form import Json, canonical_json, json_form
from .key import step_key
from .kinds import Kind, kind_for, kind_named, load_kinds, same_kind
from .kinds.directory import Directory
from .kinds.factor_model import FactorModel
from .kinds.file import File
from .kinds.metrics import Metrics
from .kinds.text import Html, Markdown, Text
from .records import (
    STATES,
    TERMINAL,
    Begin,
    Begun,
    Committed,
    Done,
    Elsewhere,
    Ending,
    Found,
    HoldRecord,
    Lease,
    Message,
    NewOutput,
    PathProgress,
    RunOverview,
    RunRecord,
    State,
    StepRecord,
    keys_json,
)
from .store import Store, open_store

__all__ = [
    "Artifact",
    "LoopKeys",
    "Origin",
    "Store",
    "open_store",
    "kaon_home",
    "Blobs",
    "Digest",
    "digest_bytes",
    "digest_stream",
    "digest_value",
    "step_key",
    "Json",
    "canonical_json",
    "json_form",
    "Kind",
    "kind_for",
    "kind_named",
    "load_kinds",
    "same_kind",
    "Directory",
    "FactorModel",
    "File",
    "Html",
    "Markdown",
    "Metrics",
    "Text",
    "Begin",
    "Begun",
    "Committed",
    "Done",
    "Elsewhere",
    "Ending",
    "Found",
    "HoldRecord",
    "Lease",
    "Message",
    "NewOutput",
    "PathProgress",
    "RunOverview",
    "RunRecord",
    "State",
    "StepRecord",
    "keys_json",
    "STATES",
    "TERMINAL",
    "AlreadyEnded",
    "ArtifactsError",
    "BrokenKind",
    "CorruptArtifact",
    "Fenced",
    "MissingBlob",
    "NewerStore",
    "NoKind",
    "NotDigestible",
    "NotStorable",
    "RecordsError",
    "StillRunning",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreNotWritable",
    "TrackingError",
    "UnknownRecord",
    "WrongType",
]
