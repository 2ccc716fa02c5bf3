"""Jinja, set so that what a store holds cannot become markup, and a misspelt name cannot become nothing."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .. import amounts
from ..viewers.said import said
from . import formats, labels

HIDDEN_TAGS = frozenset(
    {"flow", "folder", "grace", "force", "hold_before", "sweep"}
    | {"mlflow.run", "mlflow.uri", "prefect.flow_run", "prefect.deployment"}
)
"""What Kaon itself keeps in the tags of a run."""

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> Environment:
    """Return the environment of all templates: everything is escaped."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "duration": amounts.duration,
        "size": amounts.size,
        "count": formats.count,
        "number": formats.number,
        "rate": amounts.per_second,
        "moment": formats.moment,
        "short": formats.short,
        "json_text": formats.json_text,
        "items": formats.items,
        "chosen": formats.chosen,
        "last": formats.last,
        "repeat_pair": lambda value: (value, value),
        "dictlist": lambda mapping: list(mapping.items()),
        "said": said,
    }
    made.filters |= {"label": labels.label, "tally": labels.tally, "ended": labels.ended}
    made.globals["hidden_tags"] = HIDDEN_TAGS
    return made
