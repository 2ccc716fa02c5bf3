"""Where interactions come from: one loader a data set, all of the same form."""

from .loading import DATASETS, Dataset, load
from .missing import MissingDataset

__all__ = ["DATASETS", "Dataset", "MissingDataset", "load"]
