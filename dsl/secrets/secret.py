"""Secret: a reference to a value that is never written down, and read inside the step that needs it."""

import re
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from .masking import hide
from .sources import read

REFERENCE = re.compile(r"[A-Za-z_]\w*|[a-z][a-z0-9_]*:[^\s:{}]+")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret by reference; what is kept and shown of it is the reference alone.

    As JSON it is {"secret": "DB_PASSWORD"}. Raises ValueError for what is no reference.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    secret: str
    """An environment variable's name, or `source:name`, such as "prefect:warehouse"."""

    def __post_init__(self) -> None:
        if not isinstance(self.secret, str) or not REFERENCE.fullmatch(self.secret):
            raise ValueError(  # and does not repeat what was written, which may be the secret itself
                'a secret is given by reference: secret("NAME") for an environment variable, '
                'or secret("prefect:block-name") for a Prefect block'
            )

    def reveal(self) -> str:
        """Return the value; from then on this process writes *** where a step prints, logs or raises it.

        Raises MissingSecret if there is none of the name.
        """
        value = read(self.secret)
        hide(value)
        return value

    def __repr__(self) -> str:
        return f"secret({self.secret!r})"

    def __str__(self) -> str:
        return repr(self)


def secret(reference: str) -> Secret:
    """Return a secret by its reference; its value is read by the step that uses it, when it starts.

    reference: the name of an environment variable; or "prefect:block-name", a Secret block; "prefect:block-name/field",
        a field of another block; or "prefect:block-type/block-name/field" where several types have one of the name.

    Raises ValueError for what is no reference.

    >>> secret("DB_PASSWORD")
    secret('DB_PASSWORD')
    """
    return Secret(reference)
