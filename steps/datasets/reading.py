"""Reading the files of data sets, plain or gzipped, with errors that name file and line."""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from ..interactions import CONTEXT, IDS

AS_TEXT = (*IDS, *CONTEXT, "title_id")


class BadFile(ValueError):
    """A file of a data set does not hold what it should; the message names the file, the line and the mend."""


def delimited(
    path: Path, columns: Mapping[str, str], *, separator: str = ",", mend: str = "download it again"
) -> pd.DataFrame:
    """Return the lines of a CSV file below its header, with some columns renamed; the index is the line.

    columns: new name by the file's own name, which must be there; other columns keep their names.
    mend: what to do about a column that is not there.
    Raises BadFile for a file that is no such table, is empty, or lacks a column.
    """
    header = _read(path, separator, nrows=0)
    as_text = [name for name in header.columns.astype(str) if columns.get(name, name) in AS_TEXT]
    frame = _read(path, separator, as_text=as_text)
    frame.index = pd.RangeIndex(2, len(frame) + 2, name="line")
    return filled(path, renamed(path, frame, columns, mend=mend).dropna(how="all"))


def renamed(path: Path, frame: pd.DataFrame, columns: Mapping[str, str], *, mend: str) -> pd.DataFrame:
    """Return a file's table with some columns renamed, without those that would have the same names.

    Raises BadFile if one of the columns is not there.
    """
    missing = [name for name in columns if name not in frame]
    if missing:
        wanted = ", ".join(f"{name!r} for {columns[name]}" for name in missing)
        raise BadFile(f"{path} has no column {wanted}: it has {_quoted(frame)}; {mend}")
    replaced = [name for name in frame if name in columns.values() and name not in columns]
    return frame.drop(columns=replaced).rename(columns=columns)


def filled(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a file's table, or raise BadFile if it has no rows."""
    if frame.empty:
        raise BadFile(f"{path} has no rows, only the columns {_quoted(frame)}; give a file with at least one row")
    return frame


def fields_of(path: Path, names: Sequence[str]) -> pd.DataFrame:
    """Return a file of fields with `::` between them as a table of text; the index is the line.

    What is not UTF-8 is read as Latin-1, as MovieLens was published. Fields after the named ones are left out.
    Raises BadFile for a line with fewer fields, and for a file without lines.
    """
    lines = dict(_fields(path, names))
    if not lines:
        raise BadFile(f"{path} is empty: it should hold {'::'.join(names)} on every line; download it again")
    frame = pd.DataFrame(lines.values(), columns=list(names))
    return frame.set_index(pd.Index(lines, name="line"))


def _fields(path: Path, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        fields = line.rstrip("\r").split("::")
        if len(fields) < len(names):
            raise BadFile(
                f"{path}, line {number}: {len(fields)} fields instead of {len(names)} ({'::'.join(names)}): "
                f"{line[:60]!r}; download the file again"
            )
        yield number, fields[: len(names)]


def _text(path: Path) -> str:
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise BadFile(f"{path} cannot be read: {error}; download it again") from error
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _read(path: Path, separator: str, *, nrows: int | None = None, as_text: Sequence[str] = ()) -> pd.DataFrame:
    try:
        return pd.read_csv(
            path,
            sep=separator,
            nrows=nrows,
            dtype=dict.fromkeys(as_text, str),
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            low_memory=False,
        )
    except pd.errors.EmptyDataError:
        raise BadFile(f"{path} is empty; give a file with a line of column names and at least one row") from None
    except (pd.errors.ParserError, UnicodeDecodeError, OSError, EOFError) as error:
        raise BadFile(
            f"{path} cannot be read as a table in UTF-8 with {separator!r} between its columns: {error}; "
            "mend that line, or write the file again"
        ) from error


def _quoted(frame: pd.DataFrame) -> str:
    return ", ".join(repr(str(name)) for name in frame.columns) or "none"
