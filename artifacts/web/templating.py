"""Jinja, set so that what a store holds cannot become markup, and a misspelt name cannot become nothing."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import formats

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
        "duration": formats.duration,
        "size": formats.size,
        "count": formats.count,
        "number": formats.number,
        "rate": formats.rate,
        "moment": formats.moment,
        "short": formats.short,
        "json_text": formats.json_text,
        "items": formats.items,
        "last": formats.last,
    }
    return made
