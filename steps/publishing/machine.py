"""The kind of machine that wheels are for: the image's, and the one that trains."""

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass

GLIBC = "glibc"


@dataclass(frozen=True, slots=True)
class Machine:
    """A Python on a processor."""

    python: str
    """Such as 3.11."""
    system: str
    """As Python says: linux, darwin, …"""
    processor: str
    """Such as x86_64."""
    libc: str = GLIBC

    @classmethod
    def here(cls) -> "Machine":
        """Return the machine that this process runs on."""
        python = "{}.{}".format(*sys.version_info)
        return cls(python, sys.platform, platform.machine(), platform.libc_ver()[0] or "other")

    def __str__(self) -> str:
        return f"python{self.python}-{self.system}-{self.processor}" + ("" if self.libc == GLIBC else f"-{self.libc}")

    def markers(self) -> Mapping[str, str]:
        """Return what the markers of requirements ask about a machine."""
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "sys_platform": self.system,
            "platform_system": self.system.capitalize(),
            "platform_machine": self.processor,
            "os_name": "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }

    def platforms(self) -> tuple[str, ...]:
        """Return the platforms of wheels that it can use, in pip's words, the newest first."""
        return (*(f"manylinux_2_{minor}_{self.processor}" for minor in range(36, 16, -1)),
                f"manylinux2014_{self.processor}", "any")  # fmt: skip
