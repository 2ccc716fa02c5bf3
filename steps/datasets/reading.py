"""Reading the files of data sets: plain or gzipped, in UTF-8 or Latin-1, with errors that name file and line."""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd


class BadFile(ValueError):
    """A file of a data set does not hold what it should; the message names the file, the line and the mend."""


def text_of(path: Path) -> str:
    """Return the text of a file; what is not UTF-8 is read as Latin-1, as MovieLens was published."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def fields_of(path: Path, names: Sequence[str]) -> pd.DataFrame:
    """Return a file of fields with `::` between them as a table of text; fields after the named ones are left out.

    Raises BadFile for a line with fewer fields, and for a file without lines.
    """
    rows = list(_fields(path, names))
    if not rows:
        raise BadFile(f"{path} is empty: it should hold {'::'.join(names)} on every line; download it again")
    return pd.DataFrame(rows, columns=list(names))


def _fields(path: Path, names: Sequence[str]) -> Iterator[list[str]]:
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if not line.strip():
            continue
        fields = line.rstrip("\r").split("::")
        if len(fields) < len(names):
            raise BadFile(
                f"{path}, line {number}: {len(fields)} fields instead of {len(names)} ({'::'.join(names)}): "
                f"{line[:60]!r}; download the file again"
            )
        yield fields[: len(names)]
