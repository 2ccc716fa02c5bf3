"""The choice of a data set by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from ..interactions import Interactions
from .files import own_files
from .frappe import frappe
from .movielens import movielens_1m, movielens_small
from .xmarket import xmarket
from .xmrec import xmrec

Dataset = Literal["xmrec", "files", "xmarket", "movielens-1m", "movielens-small", "frappe"]
"""`xmrec` is bundled; the others are read from a folder."""

DATASETS: Mapping[Dataset, Callable[[Path], Interactions]] = {
    "xmrec": xmrec,
    "files": own_files,
    "xmarket": xmarket,
    "movielens-1m": movielens_1m,
    "movielens-small": movielens_small,
    "frappe": frappe,
}


def load(dataset: Dataset, folder: Path | None = None) -> Interactions:
    """Return the interactions of a data set.

    folder: where its files are; `xmrec` needs none, and the others are looked for in ../shared/data/<name> without one.
    Raises MissingDataset if a file is not there, BadInteractions if it does not hold what it should.
    """
    return DATASETS[dataset](folder_of(dataset, folder))


def folder_of(dataset: Dataset, folder: Path | None) -> Path:
    """Return where the files of a data set are looked for."""
    return folder or Path("../shared/data") / dataset
