"""What there is to learn from."""

from pathlib import Path

from kaon.dsl import step

from ..datasets import Dataset, load
from ..interactions import Interactions


@step(output="events")
def read_events(*, dataset: Dataset = "xmrec", folder: Path | None = None) -> Interactions:
    """Return the interactions of a data set.

    dataset: xmrec (bundled), or another that Kaon reads from a folder.
    folder: where its files are; xmrec needs none.
    """
    return load(dataset, folder)
