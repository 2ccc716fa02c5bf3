"""`kaon publish list`: every published version, the newest first."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .options import AsJson, Home

if TYPE_CHECKING:
    from kaon.artifacts.publications import Publication

METRICS_SHOWN = 3
COLUMNS = ("name", "version", "run", "state", "is", "image", "metrics", "when")


def publish_list(as_json: AsJson = False, home: Home = None) -> None:
    """List what was published, the newest first: state, champion, challenger, what serves where, image and metrics.

    `kaon rank` takes the folder of a version, which --json names.
    """
    from kaon.artifacts import kaon_home
    from kaon.artifacts.publications import publications

    from .printed import console, print_json, table

    found = publications(kaon_home())
    if as_json:
        print_json([_described(one) for one in found])
    elif found:
        console().print(table(COLUMNS, [_row(one) for one in found], right=("run",)))
        print_refusals(found)
    else:
        print("nothing is published yet: kaon run recommendations")


def print_refusals(found: "tuple[Publication, ...]") -> None:
    """Print why versions were refused."""
    for one in found:
        if one.state == "refused":
            print(f"\n{one.name} {one.version} was refused: {'; '.join(one.reasons)}")


def _row(one: "Publication") -> tuple[str, ...]:
    is_ = [*one.aliases, *([f"serving {one.url}"] if one.url else [])]
    run = "" if one.run is None else str(one.run)
    image = (one.image or "").removeprefix("sha256:")[:12]
    return (one.name, one.version, run, one.state, ", ".join(is_), image, _told(one.metrics), one.created[:16])


def _described(one: "Publication") -> Mapping[str, object]:
    return {
        "bundle": _relative(one.bundle),
        "name": one.name,
        "version": one.version,
        "run": one.run,
        "state": one.state,
        "reasons": list(one.reasons),
        "created": one.created,
        "aliases": list(one.aliases),
        "image": one.image,
        "url": one.url,
        "metrics": dict(one.metrics),
    }


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _told(metrics: Mapping[str, object]) -> str:
    numbers = [(name, value) for name, value in metrics.items() if isinstance(value, int | float)]
    return ", ".join(f"{name} {value:.4g}" for name, value in numbers[:METRICS_SHOWN])
