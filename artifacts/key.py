"""The key that decides whether a step's outputs can be reused."""

from __future__ import annotations

from collections.abc import Mapping

from .digest import Digest, digest_value


def step_key(*, step: str, code: Digest, settings: Mapping[str, object], inputs: Mapping[str, Digest]) -> Digest:
    """Return the key of one call of a step: the same key means the same outputs.

    step: the step's name; code: digest of its source and of what that calls; settings: name to value, loop
    variables included; inputs: name to the digest of the artifact read there.
    """
    return digest_value(("kaon step", 1, step, code, dict(settings), dict(inputs)))
