"""What an image and a container say about what they hold."""

from __future__ import annotations

NAME = "kaon.name"
"""The model's name."""
VERSION = "kaon.version"
"""The bundle's version, which is the digest of the model."""
RECIPE = "kaon.recipe"
"""The digest of everything that the image was made from: the same recipe is the same image."""
CODE = "kaon.code"
"""The digest of the server's code."""
RUN = "kaon.run"
PLAN = "kaon.plan"
METRICS = "kaon.metrics"
"""JSON."""
HOME = "kaon.home"
"""Of a container: the home folder that it was published from."""
ROLE = "kaon.role"
"""Of a container: `serving` or `check`."""


def container_name(name: str) -> str:
    """Return the name of the one container that serves a model.

    >>> container_name("recommendations")
    'kaon-serving-recommendations'
    """
    return f"kaon-serving-{name}"


def repository(name: str) -> str:
    """Return the repository of a model's images; Docker allows no capital letters there.

    >>> repository("Recommendations")
    'recommendations'
    """
    return name.lower().strip("_-")
