"""What a stored value is called, and what it is, when it leaves the store as a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from ..artifact import Artifact
from .security.headers import SANDBOXED

FORMS: Mapping[str, tuple[str, str]] = {
    "table": (".parquet", "application/vnd.apache.parquet"),
    "json": (".json", "application/json"),
    "metrics": (".json", "application/json"),
    "figure": (".vl.json", "application/json"),
    "text": (".txt", "text/plain; charset=utf-8"),
    "array": (".npy", "application/octet-stream"),
    "torch_module": (".safetensors", "application/octet-stream"),
    "faiss_index": (".faiss", "application/octet-stream"),
    "xgboost_model": (".ubj", "application/octet-stream"),
    "factor_model": (".zip", "application/zip"),
    "directory": (".tar", "application/x-tar"),
}
"""Kind to the ending and media type of its bytes; a browser is never told that it is a page."""

OTHER = ("", "application/octet-stream")


def file_name(artifact: Artifact) -> str:
    """Return a name for the artifact's bytes that every file system takes."""
    ending = {"markdown": ".md", "html": ".html"}.get(str(artifact.summary.get("format")), FORMS.get("text", OTHER)[0])
    if artifact.kind == "file":
        return safe_name(str(artifact.summary.get("file", artifact.name)))
    return safe_name(artifact.name) + (ending if artifact.kind == "text" else FORMS.get(artifact.kind, OTHER)[0])


def safe_name(name: str) -> str:
    """Return a file name without anything that a shell, a header or a file system takes amiss.

    >>> safe_name("../../etc/pass wd\\n"), safe_name(".."), safe_name("größe.csv")
    ('pass_wd_', 'artifact', 'größe.csv')
    """
    last = re.split(r"[/\\]", name)[-1]
    safe = re.sub(r"[^\w.\-]", "_", last)[:120].lstrip(".")
    return safe or "artifact"


def attachment(name: str) -> Mapping[str, str]:
    """Return the headers with which a browser saves a response under this name, and never shows it."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    return {**SANDBOXED, "Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
