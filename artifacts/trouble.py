"""A file system's refusals, said so that a user can mend them."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import StoreFull, StoreNotWritable

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG}


@contextmanager
def writing(place: object) -> Iterator[None]:
    """Turn the operating system's refusal to write at the place into StoreFull or StoreNotWritable."""
    try:
        yield
    except OSError as error:
        where = str(error.filename or place)
        if error.errno in NO_SPACE:
            raise full(where, error) from error
        if error.errno in NOT_ALLOWED:
            raise not_writable(where, error) from error
        raise


def full(where: str, error: Exception) -> StoreFull:
    """Return the error for a place without space."""
    return StoreFull(
        "the store has no space left",
        where=where,
        why=str(error),
        fix="free some space there, or set KAON_HOME to a folder on another disk; what was stored before is whole",
    )


def not_writable(where: str, error: Exception) -> StoreNotWritable:
    """Return the error for a place that we may not write to."""
    return StoreNotWritable(
        "the store cannot be written",
        where=where,
        why=str(error),
        fix="give this user the right to write there, or set KAON_HOME to a folder that can be written",
    )
