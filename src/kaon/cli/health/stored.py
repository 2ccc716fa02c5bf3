"""The store: its records, every byte that it keeps, and what nobody wants any more."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from kaon.artifacts.amounts import size

from .finding import Finding, ok, trouble, warning

if TYPE_CHECKING:
    from kaon.artifacts import Store
    from kaon.artifacts.collection import Garbage
    from kaon.artifacts.references import Named, Silent

SHOWN = 5
OLD = timedelta(days=7)
"""What nobody has used for so long `kaon gc` takes away."""


def look_at_store(store: "Store", progress: Callable[[int, int], None]) -> Iterator[Finding]:
    """Yield how the store is, after reading all of it; `progress` is told how many values were read, of how many."""
    from kaon.artifacts import StoreError
    from kaon.artifacts.collection import garbage
    from kaon.artifacts.verification import verify

    try:
        verified = verify(store, progress)
        yield ok("store", "records", f"{store.url}, version {verified.version}")
        yield from damage(verified.damaged, verified.missing)
        if not verified.damaged and not verified.missing:
            yield ok("store", "artifacts", f"{verified.values} values ({size(verified.size)}) read, and all are whole")
        yield from dead_runs(verified.silent)
        yield unwanted(garbage(store, OLD))
    except StoreError as error:
        yield trouble("store", "records", error.problem, why=f"{error.where}: {error.why}", fix=error.fix)


def unwanted(found: "Garbage") -> Finding:
    """Say what lies about that nobody wants."""
    if not (found.blobs or found.leftovers or found.cached):
        young = f"; young blobs that no artifact names yet: {found.young}" if found.young else ""
        return ok("store", "garbage", f"none{young}")
    sorts = (("blobs", found.blobs), ("temporary files", found.leftovers), ("cached copies", found.cached))
    told = ", ".join(f"{name}: {len(pieces)}" for name, pieces in sorts if pieces)
    why = "steps that were killed left it, or it can be made again"
    fix = "kaon gc --dry-run counts it, kaon gc removes it"
    return warning("store", "garbage", f"{size(found.size)}, unused for {OLD.days} days ({told})", why=why, fix=fix)


def damage(damaged: "Iterable[Named]", missing: "Iterable[Named]") -> Iterator[Finding]:
    """Yield what is said of artifacts that cannot be read."""
    again = "run the workflow again"
    if lost := list(damaged):
        yield trouble(
            "store",
            "artifacts",
            f"damaged: {_listed(f'{name.artifact} ({name.name})' for name in lost)}",
            why="their bytes have changed since they were stored: a disk that fails, or someone wrote there",
            fix=f"{again} with --force for the steps that made them: storing the same value mends it; or use a backup",
        )
    if gone := list(missing):
        yield trouble(
            "store",
            "artifacts",
            f"missing: {_listed(f'{name.artifact} ({name.name})' for name in gone)}",
            why="the records name them, and their files are gone: someone deleted them, or the records are a copy",
            fix=f"{again}: a step whose outputs are missing is not skipped; or restore them from a backup",
        )


def dead_runs(silent: "Iterable[Silent]") -> Iterator[Finding]:
    """Yield what is said of runs that died and that nobody has taken up."""
    died = list(silent)
    if not died:
        yield ok("store", "runs", "every run goes on, waits or has ended")
        return
    yield warning(
        "store",
        "runs",
        f"died without an end: {_listed(f'{run.run} ({run.workflow})' for run in died)}",
        why="they read as failed; what they finished is kept",
        fix=f"`kaon retry {died[0].run}` continues one, `kaon cancel {died[0].run}` ends it for good",
    )


def _listed(names: Iterable[str]) -> str:
    parts = list(names)
    rest = len(parts) - SHOWN
    return ", ".join(parts[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
