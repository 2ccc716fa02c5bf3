"""Why something is not published."""

from kaon.artifacts import ArtifactsError


class NotPublishable(ArtifactsError, ValueError):
    """What was built would serve wrongly, or no image can be made of it; what serves goes on serving."""


class NoImageHere(NotPublishable):
    """This machine can make no image, of whatever model: it has no base image, or no wheels."""
