"""Frappe: which app was used in which situation, with the country of each use."""

from pathlib import Path

import pandas as pd

from ..interactions import Interactions, checked, interactions, without_repeats
from .missing import found

PUBLISHED = "https://www.baltrunas.info/context-aware/frappe (paper: https://arxiv.org/abs/1505.03014)"
TERMS = "research only, with acknowledgement; no redistribution, no commercial use"
NAMES = {"user": "user_id", "item": "item_id", "cnt": "rating", "country": "market", "daytime": "hour"}
META = {"item": "item_id", "name": "title", "description": "text"}
UNKNOWN = "unknown"


def frappe(folder: Path) -> Interactions:
    """Return which apps were used: rating is how often, market the country, hour the time of day, weekday the day.

    There is no time. Of a user's situations with one app the one with most uses stays. A country may be `unknown`.
    """
    path = found("frappe", folder, ("frappe.csv",), published=PUBLISHED, terms=TERMS)
    frame = pd.read_csv(path, sep="\t", dtype={"user": str, "item": str}, keep_default_na=False).rename(columns=NAMES)
    return interactions(without_repeats(checked(frame, source=path.name)), source=path.name)


def frappe_apps(folder: Path) -> pd.DataFrame:
    """Return names, categories (as genres) and descriptions of meta.csv."""
    path = found("frappe", folder, ("meta.csv",), published=PUBLISHED, terms=TERMS)
    frame = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False).replace(UNKNOWN, "").rename(columns=META)
    frame["genres"] = frame["category"].map(lambda category: [category] if category else [])
    return frame
