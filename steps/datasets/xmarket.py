"""XMarket electronics, 5-core: six countries with dates."""

from pathlib import Path

import pandas as pd

from ..interactions import Interactions, checked, interactions, without_repeats
from .missing import found
from .reading import delimited

PUBLISHED = "https://github.com/hamedrab/FOREC (paper: https://arxiv.org/abs/2109.05929)"
TERMS = "academic purposes only; not to be passed on"
NAMES = {"userId": "user_id", "itemId": "item_id", "rate": "rating", "date": "time"}
COUNTRIES = ("ca", "de", "fr", "in", "jp", "mx", "uk", "us")


def xmarket(folder: Path) -> Interactions:
    """Return the interactions of every country whose file <country>_5core.txt is in the folder; market is the country.

    A user who bought in two countries is two users (`ca:…`, `mx:…`): what differs between markets is what is studied.
    """
    files = [folder / f"{country}_5core.txt{end}" for country in COUNTRIES for end in ("", ".gz")]
    paths = [path for path in files if path.is_file()] or [
        found("xmarket", folder, ("ca_5core.txt",), published=PUBLISHED, terms=TERMS)
    ]
    return interactions(pd.concat([_country(path) for path in paths], ignore_index=True), source=str(folder))


def _country(path: Path) -> pd.DataFrame:
    country = path.name.partition("_")[0]
    frame = delimited(path, NAMES, separator=" ").assign(market=country)
    rows = without_repeats(checked(frame, source=path.name))
    return rows.assign(user_id=country + ":" + rows["user_id"])
