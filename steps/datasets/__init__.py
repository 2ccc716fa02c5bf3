"""Where interactions come from, and what items are: one loader a data set, all of the same form."""

from .catalogue import Catalogue, load_catalogue
from .loading import DATASETS, Dataset, load
from .missing import MissingDataset
from .reading import BadFile
from .synthetic import Scale

__all__ = ["DATASETS", "BadFile", "Catalogue", "Dataset", "MissingDataset", "Scale", "load", "load_catalogue"]
