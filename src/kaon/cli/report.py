"""The artifacts that a workflow shows when it ends: tables as tables, a value with its interval as one cell."""

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .printed import items, table

if TYPE_CHECKING:
    from rich.console import Console

    from kaon.artifacts import Artifact, Store

ROWS = 20
"""Rows of a table that are shown."""
LONGEST = 80
"""Characters of a mapping that is shown on one line."""
NARROWEST = 30
"""Characters a line of a fact has at least, however narrow the terminal is."""
ITEMS = 12
"""Artifacts of one name that are shown, where a loop made many."""
INTERVALS = (("_low", "_high"), (".low", ".high"))
"""Endings of the bounds of `ndcg`: `ndcg_low` and `ndcg_high`, or `ndcg.low` and `ndcg.high`."""


def print_report(console: "Console", store: "Store", run_id: int, names: Collection[str]) -> None:
    """Print the artifacts of these names, as far as the run has them; of several attempts, the last."""
    made = store.records.outputs(run_id) if names else []
    for name in names:
        for artifact in newest([artifact for _, output, artifact in made if output == name])[:ITEMS]:
            where = f" {items(artifact.keys)}" if artifact.keys else ""
            console.print(f"\n[bold]{name}[/]{where} [dim]{artifact.kind}, kaon artifact {artifact.id}[/]")
            _print_value(console, store, artifact)


def newest(artifacts: Sequence["Artifact"]) -> list["Artifact"]:
    """Return one artifact for each item: that of the last attempt."""
    return list({repr(artifact.keys): artifact for artifact in sorted(artifacts, key=lambda a: a.attempt)}.values())


def with_intervals(row: Mapping[str, object]) -> dict[str, str]:
    """Return the values as text; those that have bounds beside them take them in.

    >>> with_intervals({"market": "ca", "ndcg": 0.41234, "ndcg_low": 0.4, "ndcg_high": 0.42, "users": 7})
    {'market': 'ca', 'ndcg': '0.4123 [0.400, 0.420]', 'users': '7'}
    """
    pairs = [(name, name + low, name + high) for name in row for low, high in INTERVALS]
    bounds = {name: (low, high) for name, low, high in pairs if _is_number(row, low) and _is_number(row, high)}
    hidden = {bound for pair in bounds.values() for bound in pair}
    shown = {name: _shown(value) for name, value in row.items() if name not in hidden}
    for name, (low, high) in bounds.items():
        shown[name] += f" [{row[low]:.3f}, {row[high]:.3f}]"
    return shown


def _is_number(row: Mapping[str, object], name: str) -> bool:
    return isinstance(row.get(name), float)


def _print_value(console: "Console", store: "Store", artifact: "Artifact") -> None:
    from kaon.artifacts.viewers import preview

    value: Any = store.get(artifact) if artifact.kind in ("table", "metrics", "json") else None
    match artifact.kind:
        case "table":
            rows = [with_intervals(row) for row in value.slice(0, ROWS).to_pylist()]
            names = tuple(rows[0]) if rows else tuple(value.column_names)
            console.print(table(names, [tuple(row.values()) for row in rows]))
            if value.num_rows > ROWS:
                console.print(f"… {value.num_rows - ROWS} more rows", markup=False)
        case "metrics":
            _print_facts(console, with_intervals(dict(value)))
        case "json" if isinstance(value, dict):
            _print_facts(console, {name: _brief(inner) for name, inner in value.items()})
        case _:
            _print_lines(console, preview(store, artifact))


def _print_facts(console: "Console", facts: Mapping[str, str]) -> None:
    """Print a fact below the other; a long one goes on below its beginning: why something is so must be read whole."""
    longest = max(map(len, facts), default=0)
    width = max(console.width - longest - 4, NARROWEST)
    for name, fact in facts.items():
        first, *others = textwrap.wrap(fact, width, break_long_words=False, break_on_hyphens=False) or [""]
        _print_lines(console, [f"{name:<{longest}}  {first}", *(f"{'':<{longest}}  {line}" for line in others)])


def _brief(value: object) -> str:
    """Return a value on one line: a few numbers, a list of plain values, or how many entries there are."""
    if isinstance(value, dict) and value.keys() >= {"mean", "low", "high"}:
        return f"{value['mean']:.4f} [{value['low']:.3f}, {value['high']:.3f}]"
    if isinstance(value, dict):
        numbers = all(isinstance(inner, int | float) for inner in value.values())
        shown = ", ".join(f"{name} {fact}" for name, fact in with_intervals(value).items()) if numbers else ""
        return shown if 0 < len(shown) <= LONGEST else _shipped(value) or f"{len(value)} entries"
    if isinstance(value, list):
        plain = all(isinstance(inner, str | int) for inner in value)
        mark = "; " if any(", " in str(inner) for inner in value) else ", "
        return mark.join(map(str, value)) or "none" if plain else f"{len(value)} entries"
    return _shown(value)


def _shipped(value: Mapping[str, object]) -> str:
    """Return what a receipt's shipment is and where it serves, nothing for any other mapping."""
    tags, url = value.get("tags"), value.get("url")
    if "published_as" not in value or not isinstance(tags, list):
        return ""
    what = str(tags[0]) if tags else f"{value['published_as']} alone"
    return f"{what}, serves at {url}" if url else f"{what}, serves nowhere yet"


def _print_lines(console: "Console", lines: Iterable[str]) -> None:
    for line in lines:
        console.print(f"  {line}", markup=False, overflow="ellipsis", no_wrap=True)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    if value.is_integer() and abs(value) >= 1:
        return f"{value:.0f}"
    return f"{value:.4f}" if value == 0 or 0.001 <= abs(value) < 1000 else f"{value:.4g}"
