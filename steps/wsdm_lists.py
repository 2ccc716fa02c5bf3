"""Candidate lists in the format of the WSDM Cup 2022: `user TAB item,item,…` in, `user TAB item TAB score` out."""

import gzip
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from .bundle import Bundle, load_bundle
from .sources import Rows, Vectors

LISTS_AT_ONCE = 1024
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class CandidateList:
    """A user and what may be shown, as a line gives it."""

    user_id: str
    item_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RankedList:
    """A user and what may be shown, best first; equal scores in the order of the candidates."""

    user_id: str
    item_ids: tuple[str, ...]
    scores: Vectors


@dataclass(frozen=True, slots=True)
class RankReport:
    """What `rank_file` did."""

    users: int
    lines: int
    """Lines written, one a candidate."""
    unknown_users: int
    """Users without a history, whose candidates were ranked by popularity."""
    unknown_items: int
    """Candidates that nobody met, which were ranked last."""
    seconds: float


class BadLists(ValueError):
    """A file of candidate lists cannot be read; the message names the line and the mend."""


def rank_file(bundle: Path | str, candidates: Path | str, out: Path | str) -> RankReport:
    """Rank every list of a file into another, which appears only when it is complete; names in .gz are compressed.

    bundle: its folder, or the folder of its versions, of which the newest is taken.
    Raises BundleError and BadLists; unknown users and items are no error.
    """
    begun = time.perf_counter()
    from .interactions import positions

    loaded = load_bundle(bundle)
    users = unknown_users = unknown_items = 0

    def counted() -> Iterator[RankedList]:
        nonlocal users, unknown_users, unknown_items
        for ranked in rank_lists(loaded, read_lists(candidates)):
            users += 1
            unknown_users += loaded.user_row(ranked.user_id) < 0
            unknown_items += loaded.unknown_items(positions(ranked.item_ids, loaded.sources.item_ids))
            yield ranked

    lines = write_scores(counted(), out)
    return RankReport(users, lines, unknown_users, unknown_items, time.perf_counter() - begun)


def read_lists(path: Path | str) -> Iterator[CandidateList]:
    """Yield the lists of a file in its order; gzip is recognised by its content. Raises BadLists."""
    with _opened(Path(path)) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _parsed(line.rstrip("\r\n"), f"{path}, line {number}")


def rank_lists(bundle: Bundle, lists: Iterable[CandidateList]) -> Iterator[RankedList]:
    """Yield every list ranked, in the order of the lists, through the feature code that the ranker learnt with."""
    from .interactions import positions

    remaining = iter(lists)
    while part := list(islice(remaining, LISTS_AT_ONCE)):
        width = max(len(one.item_ids) for one in part)
        rows = positions([item for one in part for item in one.item_ids], bundle.sources.item_ids)
        items = np.full((len(part), width), -1, dtype=np.int64)
        inside = np.arange(width) < np.array([len(one.item_ids) for one in part])[:, None]
        items[inside] = rows
        users = np.array([bundle.user_row(one.user_id) for one in part], dtype=np.int64)
        scores = bundle.score(users, items)
        for one, row in zip(part, scores, strict=True):
            yield ranked_list(one, row[: len(one.item_ids)])


def write_scores(ranked: Iterable[RankedList], path: Path | str) -> int:
    """Write a line per candidate, best first within its user, and return how many; all or nothing.

    A name that ends in .gz is compressed, with no time in it, so that equal scores give equal files.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    try:
        with partial.open("wb") as raw:
            to = gzip.GzipFile("", "wb", 6, raw, 0) if path.suffix == ".gz" else None
            for one in ranked:
                lines = [
                    f"{one.user_id}\t{item}\t{score:.6f}\n"
                    for item, score in zip(one.item_ids, one.scores.tolist(), strict=True)
                ]
                (to or raw).write("".join(lines).encode())
                written += len(lines)
            if to:
                to.close()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return written


def ranked_list(asked: CandidateList, scores: Vectors) -> RankedList:
    """Return the list in the order of its scores; an item that is unknown, -inf, is given a score below all others."""
    known = np.isfinite(scores)
    lowest = (scores[known].min() if known.any() else 0.0) - 1.0
    scores = np.where(known, scores, lowest)
    order: Rows = np.argsort(-scores, kind="stable")
    return RankedList(asked.user_id, tuple(asked.item_ids[place] for place in order), scores[order])


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    try:
        with path.open("rb") as raw:
            start = raw.read(2)
        opened = gzip.open if start == GZIP else open
        with opened(path, "rt", encoding="utf-8") as lines:
            yield lines
    except FileNotFoundError:
        raise BadLists(f"there is no file {path}; give one with lines of user, tab, comma-joined items") from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadLists(f"{path} cannot be read: {error}; give text in UTF-8, or such text in gzip") from error


def _parsed(line: str, where: str) -> CandidateList:
    user_id, tab, joined = line.partition("\t")
    if not tab:
        raise BadLists(
            f"{where}: there is no tab in {_shown(line)}; write the user, a tab, and the items joined by commas"
        )
    if not user_id.strip():
        raise BadLists(f"{where}: the user is empty in {_shown(line)}; write the user's id before the tab")
    if "\t" in joined:
        raise BadLists(f"{where}: more than one tab in {_shown(line)}; join the items by commas")
    item_ids = tuple(item.strip() for item in joined.split(","))
    if not all(item_ids):
        raise BadLists(
            f"{where}: an item is empty in {_shown(line)}; write ids with one comma between two, and none at the end"
        )
    return CandidateList(user_id.strip(), item_ids)


def _shown(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:57] + "…")
