"""What a step needs of the machine it runs on."""

import re
from dataclasses import dataclass

UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


@dataclass(frozen=True, slots=True)
class Resources:
    """The share of a machine that a step needs.

    Raises ValueError if `cpus` is not positive or `memory` is not a size such as '4GiB'.

    >>> Resources(cpus=2, memory="4GiB").memory_bytes
    4294967296
    """

    cpus: float = 1.0
    """Processor cores."""
    memory: str = ""
    """A size such as '512MiB' or '4GiB'; empty: no limit."""

    def __post_init__(self) -> None:
        if self.cpus <= 0:
            raise ValueError(f"Resources(cpus={self.cpus!r}): a step needs more than 0 cores; write cpus=1")
        if self.memory and not re.fullmatch(r"\d+(\.\d+)?(KB|MB|GB|KiB|MiB|GiB)?", self.memory):
            raise ValueError(f"Resources(memory={self.memory!r}) is not a size; write for example memory='4GiB'")

    @property
    def memory_bytes(self) -> int | None:
        """The memory in bytes, or None for no limit."""
        if not self.memory:
            return None
        number, unit = re.fullmatch(r"([\d.]+)(\w*)", self.memory).groups()  # type: ignore[union-attr]
        return int(float(number) * UNITS[unit])


ANY_SHARE = Resources()
"""One core, and no limit of memory."""
