"""The choice of a data set by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from ..interactions import Interactions
from .files import own_files
from .frappe import frappe
from .movielens import movielens_1m, movielens_small
from .synthetic import Scale, synthetic_interactions
from .xmarket import xmarket
from .xmrec import xmrec

Dataset = Literal["xmrec", "files", "xmarket", "movielens-1m", "movielens-small", "frappe", "synthetic"]
"""`xmrec` is bundled and `synthetic` is made up; the others are read from a folder."""

DATASETS: tuple[Dataset, ...] = get_args(Dataset)

PUBLISHED: Mapping[Dataset, Callable[[Path], Interactions]] = {
    "xmrec": xmrec,
    "xmarket": xmarket,
    "movielens-1m": movielens_1m,
    "movielens-small": movielens_small,
    "frappe": frappe,
}

NO_MAPPING: Mapping[str, str] = MappingProxyType({})
SMALL = Scale()


def load(
    dataset: Dataset,
    folder: Path | None = None,
    *,
    columns: Mapping[str, str] = NO_MAPPING,
    scale: Scale = SMALL,
) -> Interactions:
    """Return the interactions of a data set.

    folder: where its files are; `xmrec` needs none, and the others are looked for in ../shared/data/<name> without one.
    columns: for `files`, the name in the files of each column of Interactions that has another one there.
    scale: for `synthetic`, how much is made up.
    Raises MissingDataset if a file is not there, BadFile if it is no table with the columns that it should have, and
    BadInteractions if it does not hold what it should.
    """
    if dataset == "synthetic":
        return synthetic_interactions(scale)
    if dataset == "files":
        return own_files(folder_of(dataset, folder), columns)
    return PUBLISHED[dataset](folder_of(dataset, folder))


def folder_of(dataset: Dataset, folder: Path | None) -> Path:
    """Return where the files of a data set are looked for."""
    return folder or Path("../shared/data") / dataset
