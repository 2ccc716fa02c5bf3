"""Where interactions come from: one loader a data set, all of the same form."""

from .catalogue import Catalogue, load_catalogue
from .loading import DATASETS, Dataset, load
from .missing import MissingDataset

__all__ = ["DATASETS", "Catalogue", "Dataset", "MissingDataset", "load", "load_catalogue"]
