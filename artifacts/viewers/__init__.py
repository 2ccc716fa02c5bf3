"""Showing artifacts."""

from __future__ import annotations

from .preview import preview

__all__ = ["preview"]
