"""What differs between two artifacts, one kind a file."""

from __future__ import annotations

from .compared import difference

__all__ = ["difference"]
