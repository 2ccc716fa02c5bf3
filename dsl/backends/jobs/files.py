"""Inputs as files of their kinds, and files as the values of outputs."""

import io
import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from kaon.artifacts import ArtifactsError, Directory, File, Store, canonical_json, kind_for, kind_named
from kaon.artifacts.kinds.annotations import is_optional, stripped

from ...values import from_json, is_plain
from ..references import Joined, Plain, Reference, Stored, key_of, mapping_types

SUFFIXES = {
    "table": ".parquet",
    "json": ".json",
    "metrics": ".json",
    "figure": ".vl.json",
    "array": ".npy",
    "torch_module": ".safetensors",
    "faiss_index": ".faiss",
    "xgboost_model": ".ubj",
    "factor_model": ".zip",
}
"""The suffixes of kinds' files; a kind of a plug-in has none. Those of texts and files follow from their types."""
DOCUMENTS = {"Markdown": ".md", "Html": ".html"}
INDEX = "index.json"
"""In the folder of an input that is a loop's results: the file of each item."""


class OutputMissing(Exception):
    """A command ended well and did not write one of its outputs."""


class OutputUnreadable(Exception):
    """What a command wrote is not what the output's type says."""


@dataclass(frozen=True, slots=True)
class Filed:
    """An input in a job's folder, as JSON can say it."""

    kind: str = ""
    """The kind of its file; empty for a plain value."""
    file: str = ""
    """Relative to the folder of inputs."""
    value: Any = None
    items: tuple[tuple[Any, "Filed"], ...] | None = None
    """The items of a loop's results."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        if self.items is not None:
            return {"items": [[key, inner.to_json()] for key, inner in self.items]}
        return {"kind": self.kind, "file": self.file} if self.kind else {"value": self.value}


def suffix_of(annotation: Any, kind: str, formats: Mapping[str, str], name: str) -> str:
    """Return the suffix of the file of an input or output: as declared, else its kind's own."""
    if name in formats:
        return f".{formats[name].removeprefix('.')}"
    if kind == "text":
        return DOCUMENTS.get(getattr(stripped(annotation), "__name__", ""), ".txt")
    return SUFFIXES.get(kind, "")


def is_text(annotation: Any) -> bool:
    """Return whether a command is given the value itself rather than a file: numbers, text, paths and the like."""
    bare = stripped(annotation)
    if not is_plain(bare):
        return False
    origin = getattr(bare, "__origin__", bare)
    containers = (list, tuple, dict, set, frozenset, Mapping)
    return not (isinstance(origin, type) and (issubclass(origin, containers) or hasattr(origin, "model_fields"))) and (
        not hasattr(bare, "__dataclass_fields__")
    )


def text_of(value: Any) -> str:
    """Return a plain value as a word of a command.

    >>> text_of(True), text_of(0.5), text_of(None), text_of(["a", "b"])
    ('true', '0.5', '', '["a", "b"]')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | list | dict) else str(value)


def put_input(
    reference: Reference, annotation: Any, name: str, folder: Path, store: Store, formats: Mapping[str, str]
) -> Filed:
    """Write an input into the folder and return what lies there; nothing for a plain value.

    Raises ArtifactsError if what is stored cannot be read.
    """
    match reference:
        case Plain(value):
            return Filed(value=value)
        case Joined(items):
            return _put_items(items, name, folder, store, formats)
        case Stored(artifact):
            suffix = suffix_of(annotation, artifact.kind, formats, name)
            if artifact.kind == "file":
                suffix = suffix or Path(str(artifact.summary.get("file", ""))).suffix
            target = folder / f"{name}{suffix}"
            _put_artifact(artifact, suffix, target, store)
            return Filed(artifact.kind, str(target.relative_to(folder)))


def put_value(value: Any, name: str, folder: Path) -> Filed:
    """Write a plain value that is more than a word, such as a mapping, into the folder as JSON."""
    path = folder / f"{name}.json"
    path.write_bytes(canonical_json(value))
    return Filed("json", path.name)


def _put_items(items: Any, name: str, folder: Path, store: Store, formats: Mapping[str, str]) -> Filed:
    inside = folder / name
    inside.mkdir()
    filed = []
    for place, (key, inner) in enumerate(items):
        stem = re.sub(r"[^\w.=-]+", "_", key if isinstance(key, str) else json.dumps(key))[:100]
        suffixes = {stem: formats[name]} if name in formats else {}
        taken = any(path.stem == stem for path in inside.iterdir())
        one = put_input(inner, Any, f"{stem}-{place}" if taken else stem, inside, store, suffixes)
        filed.append((key, Filed(one.kind, f"{name}/{one.file}", one.value, one.items) if one.kind else one))
    listed = [{"key": key, **one.to_json()} for key, one in filed]
    (inside / INDEX).write_text(json.dumps(listed, indent=1))
    return Filed(items=tuple(filed))


def _put_artifact(artifact: Any, suffix: str, target: Path, store: Store) -> None:
    if artifact.kind == "directory":
        found = cast(Directory, store.get(artifact))
        shutil.copytree(found.path, target, copy_function=link_or_copy)
        return
    with closing(store.open(artifact)) as source:
        if artifact.kind == "table" and suffix == ".csv":
            _write_csv(source, target)
        elif isinstance(path := getattr(source, "name", None), str | Path) and os.path.isfile(path):
            link_or_copy(path, target)
        else:
            with target.open("wb") as file:
                shutil.copyfileobj(source, file)
            target.chmod(0o444)


def link_or_copy(source: str | Path, target: str | Path, *, follow_symlinks: bool = True) -> str | Path:
    """Give a file a second name, or copy it where that cannot be; either way it is only to be read."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
        os.chmod(target, 0o444)
    return target


def _write_csv(source: BinaryIO, target: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet as parquet

    pyarrow.csv.write_csv(parquet.read_table(source), target)
    target.chmod(0o444)


def load_input(filed: Mapping[str, Any], annotation: Any, folder: Path) -> Any:
    """Return the value of an input that lies in the folder, from what `Filed.to_json` gave."""
    if "items" in filed:
        key, value = mapping_types(annotation)
        return {key_of(raw, key): load_input(inner, value, folder) for raw, inner in filed["items"]}
    if "kind" not in filed:
        return from_json(filed["value"], annotation)
    path = folder / filed["file"]
    if filed["kind"] == "directory":
        return Directory(path)
    return _loaded(path, filed["kind"], annotation)


def read_output(path: Path, annotation: Any, kind: str, name: str) -> Any:
    """Return the value of an output that a command wrote.

    Raises OutputMissing if nothing is there, and OutputUnreadable.
    """
    if not path.exists():
        raise OutputMissing(_missing(path, name))
    try:
        if kind == "file":
            return File(path)
        if kind == "directory":
            return Directory(path)
        if kind == "table" and path.suffix == ".csv":
            return _read_csv(path, annotation)
        return _loaded(path, kind, annotation)
    except (ArtifactsError, ValueError, OSError) as error:
        why = f"{error.problem}; {error.why}" if isinstance(error, ArtifactsError) else str(error)
        raise OutputUnreadable(
            f"the output {name!r} is no {kind}: {path.name} cannot be read\n  why: {why}\n"
            f"  fix: write what its type says, or declare another type or format for {name!r}"
        ) from error


def _loaded(path: Path, kind: str, annotation: Any) -> Any:
    with path.open("rb") as source:
        if kind == "json" and is_optional(annotation) and source.read().strip() == b"null":
            return None
        source.seek(0)
        return kind_named(kind).load(source, annotation if kind == "json" else stripped(annotation))


def _read_csv(path: Path, annotation: Any) -> Any:
    """Return the table in a CSV file with a header line; what R calls NA is no value."""
    import pyarrow
    import pyarrow.csv

    missing = pyarrow.csv.ConvertOptions(null_values=["", "NA", "NaN", "null"], strings_can_be_null=True)
    try:
        table = pyarrow.csv.read_csv(path, convert_options=missing)
    except pyarrow.ArrowException as error:
        raise ValueError(str(error)) from error
    kind, raw = kind_named("table"), io.BytesIO()
    kind.dump(table, raw)
    raw.seek(0)
    return kind.load(raw, stripped(annotation))


def _missing(path: Path, name: str) -> str:
    there = sorted(str(found.relative_to(path.parent)) for found in path.parent.rglob("*") if found.is_file())
    listed = ", ".join(there[:8]) + (f" and {len(there) - 8} more" if len(there) > 8 else "")
    return (
        f"the command did not write its output {name!r} to {path}\n"
        f"  why: it ended well, and in the folder there is {listed or 'nothing'}\n"
        f"  fix: write it to the path that {{{name}}} stands for in the command"
    )


def dump_file(value: Any, annotation: Any, path: Path) -> None:
    """Write a value as its kind does, for whoever loads it with `read_output`."""
    kind = kind_for(annotation)
    if kind.name == "table" and path.suffix == ".csv":
        raw = io.BytesIO()
        kind.dump(value, raw)
        raw.seek(0)
        _write_csv(raw, path)
        return
    if kind.name == "directory":
        shutil.copytree(value.path, path)
        return
    with path.open("wb") as file:
        kind.dump(value, file)
