"""Golden requests: what the server must answer, by what was computed when the model was validated."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ArtifactsError
from ..json_form import Json
from .container import ask

FILE = "golden.json"
TOLERANCE = 1e-6
"""Most that a score may differ by, absolutely."""


class Skew(ArtifactsError):
    """The server answers otherwise than what was validated."""


class NoGolden(ArtifactsError):
    """A bundle that has no golden requests."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A request and what it must be answered with."""

    path: str
    """`/rank` or `/recommend`."""
    request: Mapping[str, Json]
    """The body, as JSON."""
    items: tuple[str, ...]
    """Ids; of /recommend in the order of the list, of /rank in any."""
    scores: tuple[float, ...]
    """The ranker's, one for each item."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How close the answers came."""

    requests: int
    scores: int
    largest_difference: float


def golden_json(requests: Sequence[Golden]) -> bytes:
    """Return the content of the bundle's file of golden requests."""
    told = [
        {"path": one.path, "request": dict(one.request), "items": list(one.items), "scores": list(one.scores)}
        for one in requests
    ]
    return json.dumps(told, ensure_ascii=False, indent=0).encode()


def golden_of(bundle: Path) -> tuple[Golden, ...]:
    """Return the golden requests of a bundle's folder. Raises NoGolden."""
    try:
        told = json.loads((bundle / FILE).read_text(encoding="utf-8"))
        found = tuple(Golden(**{**one, "items": tuple(one["items"]), "scores": tuple(one["scores"])}) for one in told)
    except FileNotFoundError:
        raise NoGolden(
            "the bundle records no golden requests, so nothing says what its server must answer",
            where=str(bundle),
            fix="publish it again with this Kaon: kaon run recommendations --force publish",
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise NoGolden(
            "the golden requests cannot be read",
            where=str(bundle / FILE),
            why=repr(error),
            fix="publish the bundle again: kaon run recommendations --force publish",
        ) from error
    return found


def replay(url: str, requests: Sequence[Golden], tolerance: float = TOLERANCE) -> Replayed:
    """Ask the server every golden request, and return how close its answers are to what was recorded.

    Raises Skew with the worst one, if one differs by more than the tolerance.
    """
    found = [difference for one in requests for difference in _differences(url, one)]
    worst = max(found, key=lambda difference: difference.size, default=None)
    if worst is not None and not worst.size <= tolerance:
        raise Skew(
            "the server answers otherwise than what was validated (training-serving skew)",
            where=f"POST {worst.golden.path} {json.dumps(dict(worst.golden.request), ensure_ascii=False)}",
            why=f"{worst.told}; {sum(not one.size <= tolerance for one in found)} of {len(found)} "
            f"compared values differ by more than {tolerance:g}, this one most",
            fix="see that training and serving run the same code and packages; after a change of either, publish "
            "again: kaon run recommendations --force publish",
        )
    return Replayed(len(requests), len(found), max((difference.size for difference in found), default=0.0))


@dataclass(frozen=True, slots=True)
class _Difference:
    golden: Golden
    size: float
    told: str


def _differences(url: str, golden: Golden) -> Iterator[_Difference]:
    try:
        status, answer = ask(url, "POST", golden.path, dict(golden.request))
    except (OSError, http.client.HTTPException) as error:
        yield _Difference(golden, float("inf"), f"nothing was answered: {error!r}")
        return
    if status != 200:
        yield _Difference(golden, float("inf"), f"it was answered with status {status}: {answer}")
        return
    if failed := answer.get("fallback"):
        yield _Difference(golden, float("inf"), f"popularity stood in for what failed: {', '.join(failed)}")
        return
    served = [(str(one["item"]), float(one["score"])) for one in answer["items"]]
    if len(served) != len(golden.items):
        told = f"offline {len(golden.items)} items are answered, served {len(served)}"
        yield _Difference(golden, float("inf"), told)
        return
    yield from _by_place(golden, served) if golden.path == "/recommend" else _by_item(golden, dict(served))


def _by_item(golden: Golden, served: Mapping[str, float]) -> Iterator[_Difference]:
    for item, offline in zip(golden.items, golden.scores, strict=True):
        found = served.get(item)
        size = float("inf") if found is None else abs(found - offline)
        yield _Difference(golden, size, f"item {item!r} scores {offline!r} offline and {found!r} served")


def _by_place(golden: Golden, served: Sequence[tuple[str, float]]) -> Iterator[_Difference]:
    """Compare place by place: items of equal score may change places."""
    for place, (item, offline, (other, found)) in enumerate(zip(golden.items, golden.scores, served, strict=True), 1):
        told = f"place {place} has {item!r} with score {offline!r} offline and {other!r} with {found!r} served"
        yield _Difference(golden, abs(found - offline), told)
