"""Why something is not published."""

from kaon.artifacts import ArtifactsError


class NotPublishable(ArtifactsError, ValueError):
    """What was built would serve wrongly, or no image can be made of it; what serves goes on serving."""


class NoImageHere(NotPublishable):
    """This machine cannot make images, whatever the model: no base image, no wheels, or another home serves the name."""
