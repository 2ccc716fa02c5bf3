"""`kaon publish list`: every published bundle, the newest first."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from .options import AsJson, Home

METRICS_SHOWN = 3


def publish_list(as_json: AsJson = False, home: Home = None) -> None:
    """List published bundles, the newest first: where they are, which run made them, their state and metrics."""
    from kaon.artifacts import kaon_home

    from .printed import console, print_json, table

    found = sorted(_bundles(kaon_home() / "bundles"), key=lambda bundle: str(bundle["created"]), reverse=True)
    if as_json:
        print_json(found)
    elif found:
        rows = [
            (*(str(bundle[name]) for name in ("bundle", "run", "state")), _told(bundle["metrics"])) for bundle in found
        ]
        console().print(table(("bundle", "run", "state", "metrics"), rows, right=("run",)))
    else:
        print("nothing is published yet: kaon run recommendations")


def _bundles(folder: Path) -> Iterator[Mapping[str, object]]:
    for path in folder.glob("[!.]*/[!.]*/manifest.json"):  # a hidden folder is a bundle that is being written
        manifest = json.loads(path.read_text())
        yield {
            "bundle": _relative(path.parent),
            "name": path.parts[-3],
            "version": path.parts[-2],
            "run": manifest.get("run"),
            "state": manifest.get("state", ""),
            "created": manifest.get("created", ""),
            "metrics": manifest.get("metrics", {}),
        }


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _told(metrics: object) -> str:
    if not isinstance(metrics, Mapping):
        return ""
    numbers = [(name, value) for name, value in metrics.items() if isinstance(value, int | float)]
    return ", ".join(f"{name} {value:.4g}" for name, value in numbers[:METRICS_SHOWN])
