"""Models: what was published, which version is champion and serves, promoted and rolled back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from ...errors import TrackingError, UnknownRecord
from ...home import kaon_home
from ...publications import Publication, events, promote, publications, rollback, serving
from ...publications.history import champions
from ...tracking import Registry
from ..navigation import Entry
from ..receipts import receipts
from ..site import page, site_of

router = APIRouter()
NAVIGATION = Entry("Models", "/models", 60)

SIDE_BY_SIDE = 5
"""Versions whose metrics are shown beside each other."""
EVENTS = 30
FOLDED = 12
"""More metrics than these are folded away if they are the same in all versions."""


@router.get("/models")
def models(request: Request) -> Response:
    """List the published models."""
    by_name: dict[str, list[Publication]] = {}
    for one in publications(kaon_home()):
        by_name.setdefault(one.name, []).append(one)
    served = {name: serving(name) for name in by_name}
    return page(request, "models.html", models=by_name, served=served, down=_registry_trouble(request))


@router.get("/models/{name}")
def model(request: Request, name: str, did: str = "") -> Response:
    """Show the versions of a model, their metrics side by side, and what happened to them."""
    home = kaon_home()
    versions = [one for one in publications(home) if one.name == name]
    if not versions:
        raise UnknownRecord(f"nothing is published as {name!r}", fix="/models lists what is")
    happened = events(home, name)
    line = champions(happened)
    champion = next((one for one in versions if "champion" in one.aliases), None)
    compared = list({one.version: one for one in [*filter(None, [champion]), *versions]}.values())[:SIDE_BY_SIDE]
    metrics = side_by_side(compared)
    differing = sum(_differ(values) for _, values, _ in metrics)
    return page(
        request,
        "model.html",
        name=name,
        versions=versions,
        champion=champion,
        before=line[-2] if len(line) > 1 else "",
        served=serving(name),
        receipts=receipts(site_of(request).store, versions),
        compared=compared,
        metrics=metrics,
        shown=differing if 0 < differing < len(metrics) - FOLDED else len(metrics),
        happened=list(reversed(happened))[:EVENTS],
        did=did,
        down=_registry_trouble(request),
    )


@router.post("/models/{name}/promote")
def promoted(request: Request, name: str, version: Annotated[str, Form()]) -> Response:
    """Make a version champion, and let it serve. Raises NotPromoted, NotReady, Skew, EngineError."""
    done = promote(kaon_home(), name, version)
    return RedirectResponse(f"/models/{name}?did=promoted+{done.publication.version}", 303)


@router.post("/models/{name}/rollback")
def rolled_back(request: Request, name: str) -> Response:
    """Make the champion before this one champion again. Raises NotPromoted, NotReady, Skew, EngineError."""
    done = rollback(kaon_home(), name)
    return RedirectResponse(f"/models/{name}?did=rolled+back+to+{done.publication.version}", 303)


def side_by_side(compared: Iterable[Publication]) -> list[tuple[str, list[Any], int]]:
    """Return each metric with its value of every version, those that differ first, and which value is the best.

    The place of the best is -1 where it cannot be said: all are equal, or one is no number.
    """
    flat = [dict(_flat(one.metrics)) for one in compared]
    names = list(dict.fromkeys(name for metrics in flat for name in metrics))
    rows = []
    for name in names:
        values = [metrics.get(name) for metrics in flat]
        numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        best = values.index(max(numbers)) if _differ(values) and numbers and not _says_nothing(name) else -1
        rows.append((name, values, best))
    return sorted(rows, key=lambda row: not _differ(row[1]))


def _differ(values: Iterable[Any]) -> bool:
    return len(set(map(repr, values))) > 1


def _says_nothing(name: str) -> bool:
    """Say whether more of it is not better: counts, intervals, and losses."""
    return any(word in name.lower() for word in ("loss", "seconds", "low", "high", "users", "items", "rows", "p_value"))


def _flat(metrics: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _registry_trouble(request: Request) -> TrackingError | None:
    """Return why the registry does not answer; None if it does, or if there is none yet."""
    registry = Registry(uri=site_of(request).mlflow_uri, home=kaon_home())
    if not registry.is_there:
        return None
    try:
        registry.aliases("")
    except TrackingError as error:
        return error
    return None
