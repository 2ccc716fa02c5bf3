"""Mirroring runs to MLflow, and MLflow as the registry of published models."""

from __future__ import annotations

from .mirror import MlflowMirror
from .place import tracking_uri
from .registry import Registry

__all__ = ["MlflowMirror", "Registry", "tracking_uri"]
