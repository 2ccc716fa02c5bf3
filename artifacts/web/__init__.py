"""The web application: see a run, open any artifact, compare the past, launch what comes next.

It reads the store and its records, and starts runs through Prefect; it knows no workflow but by its plan's JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> object:
    if name == "create_app":
        from .app import create_app

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
