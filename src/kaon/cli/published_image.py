"""The image of a version that was published as a bundle alone, or whose image is gone: built when it is promoted."""

import sys
from collections.abc import Callable
from pathlib import Path


def build_missing_image(home: Path, name: str, version: str, *, serve: bool, waits: Callable[[], None]) -> None:
    """Build and check the image of a version that has none, where the name is published as images or is to be.

    serve: build it also where only bundles were published so far.
    Raises NotPublishable and EngineError; an unknown version is left to who promotes it.
    """
    from kaon.artifacts.publications import events, publication
    from kaon.artifacts.publications.lock import publishing_alone

    found = publication(home, name, version)
    in_images = serve or any(event.image for event in events(home, name))
    if found is None or found.state == "refused" or found.image is not None or not in_images:
        return
    from kaon.steps.publishing import Shipping, ship

    print(f"building the image of {name} {found.version} …", file=sys.stderr)
    with publishing_alone(home, name, waits=waits):
        ship(home, name, found.bundle, Shipping("docker"), champion=False, tags=())
