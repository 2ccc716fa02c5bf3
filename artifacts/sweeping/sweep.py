"""What a run sweeps: which settings, over which points, and what they are compared by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..foretelling.foretold import walked
from ..records import RunRecord


@dataclass(frozen=True, slots=True)
class Sweep:
    """The sweep of a run."""

    path: str
    """Plan path of its loop."""
    variables: tuple[str, ...]
    total: int
    """How many points there are to be."""
    last: tuple[str, ...]
    """Plan paths of the steps that every point ends with; none if the last part is a loop or a decision."""
    objective: str
    """What points are compared by, `output.metric`; empty if nobody said."""
    less_is_better: bool
    logarithmic: frozenset[str]
    """The variables that are swept over a logarithmic range."""
    points: Sequence[Sequence[Any]] = ()
    """The values of every point, in order; none if they are proposed as results come."""
    reader: str = ""
    """Plan path of a step that is given every point, such as the leaderboard; empty if none is."""


def sweep_in(run: RunRecord) -> Sweep | None:
    """Return the sweep of a run, the first one in its plan; None if it has none."""
    plan = json.loads(run.plan)
    nodes = list(walked(plan["root"]))
    loop = next((node for node in nodes if node["node"] == "loop" and node["verb"] == "sweep"), None)
    if loop is None:
        return None
    order = order_of(run)
    over = loop["over"]
    points = over["points"] if over["over"] == "listed" else ()
    log = {name for name, axis in order.get("axes", {}).items() if axis.get("log")}
    log |= {name for name, _, text in (one.partition("=") for one in order.get("values", ())) if ":log" in text}
    proposed = over if over["over"] == "proposed" else {}
    objective = order.get("minimize") or order.get("maximize") or ""
    if not objective and proposed:
        objective = ".".join(filter(None, (proposed["objective"], proposed["metric"])))
    less = bool(order.get("minimize")) or proposed.get("direction") == "minimize"
    return Sweep(
        path=loop["path"],
        variables=tuple(loop["variables"]),
        total=len(points) or over.get("count", 0),
        last=tuple(_last(loop["body"])),
        objective=objective,
        less_is_better=less,
        logarithmic=frozenset(log),
        points=points,
        reader=next((node["path"] for node in nodes if node["node"] == "call" and _reads_points(node, loop)), ""),
    )


def order_of(run: RunRecord) -> Mapping[str, Any]:
    """Return what the sweep was asked to do, by `kaon sweep` or in the form; nothing if the run does not say."""
    try:
        order = json.loads(run.tags.get("sweep", "{}"))
    except ValueError:  # anybody may give a run tags
        return {}
    return order if isinstance(order, dict) else {}


def _reads_points(call: Mapping[str, Any], loop: Mapping[str, Any]) -> bool:
    """Say whether a step is given every point of a loop."""
    wanted = {"node": loop["path"], "name": "sweep_points", "source": "output"}
    return any(item["source"] == wanted for item in call["inputs"])


def _last(node: Mapping[str, Any]) -> list[str]:
    """Return the paths of the calls that a body ends with."""
    match node["node"]:
        case "call":
            return [node["path"]]
        case "chain":
            return _last(node["parts"][-1]) if node["parts"] else []
        case "fork":
            return [path for branch in node["branches"] for path in _last(branch)]
    return []
