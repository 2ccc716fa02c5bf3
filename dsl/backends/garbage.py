"""The collection of garbage while a run goes on."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def old_objects_set_aside() -> Iterator[None]:
    """Let the collector pass over what there is already, while the block runs.

    The libraries that a run has imported are half a million objects that stay, and each look at them stops the run for
    a tenth of a second. Where the caller has set objects aside, they are left as they are.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
