"""Where secrets are: the environment, and the sources that are installed under the entry point `kaon.secrets`."""

import os
from importlib.metadata import entry_points
from typing import Protocol

from ..errors import did_you_mean
from .errors import MissingSecret

GROUP = "kaon.secrets"


class SecretSource(Protocol):
    """Something that keeps secrets; a reference `source:name` asks the entry point of that name."""

    def read(self, name: str) -> str:
        """Return the value of a secret; raises MissingSecret if there is none of the name."""
        ...


def read(reference: str) -> str:
    """Return the value that a reference stands for.

    Raises MissingSecret if nothing, or an empty text, is there.
    """
    source, colon, name = reference.partition(":")
    value = _source(source).read(name) if colon else os.environ.get(reference)
    if value:
        return value
    if colon:
        raise MissingSecret(
            f"the secret {reference!r} is empty", why=f"{source} holds no text there", fix="store a value"
        )
    state = "is not set" if value is None else "is empty"
    raise MissingSecret(
        f"the secret {reference!r} is missing",
        why=f"the environment variable {reference} {state} in the process that runs the step",
        fix=f"set it where the run starts: export {reference}=…",
    )


def _source(name: str) -> SecretSource:
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        raise MissingSecret(
            f"there is no source of secrets {name!r}",
            why=f"the entry points of the group {GROUP} name: {', '.join(sorted(found)) or 'none'}",
            fix=did_you_mean(name, found) or "install Kaon again, whose own source is 'prefect'",
        )
    source: SecretSource = found[name].load()()
    return source
