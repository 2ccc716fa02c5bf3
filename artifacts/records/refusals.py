"""A database's refusals, said so that a user can mend them."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, OperationalError

from ..errors import StoreBusy, StoreError
from ..trouble import full, not_writable


def refusal(error: DBAPIError, where: str) -> StoreError | None:
    """Return our error for the database's, or None if it is no trouble of the store."""
    said = str(error.orig).lower()
    if "locked" in said or "busy" in said:
        return StoreBusy(
            "the records are held by another process",
            where=where,
            why=str(error.orig),
            fix="end the process that holds them (a database browser with an open transaction?), and run again",
        )
    if "disk is full" in said or "disk i/o error" in said:
        return full(where, Exception(error.orig))
    if "readonly" in said or "unable to open" in said or "permission denied" in said:
        return not_writable(where, Exception(error.orig))
    if "not a database" in said or "malformed" in said:
        return StoreError(
            "the records are damaged",
            where=where,
            why=str(error.orig),
            fix="restore the file from a backup, or move it away to start with empty records",
        )
    if isinstance(error, OperationalError):
        return StoreError(
            "the records cannot be reached",
            where=where,
            why=str(error.orig).strip(),
            fix="check that the database runs and that the URL of the store names it",
        )
    return None
