"""One step of a run: what it read and made, its settings, how its metrics went, and how often it was tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..artifact import Artifact
from ..records import Message, MessageKind, StepRecord
from .plans.nodes import Node, PlanFacts
from .site import Site

POINTS = 400
"""Points that a curve is drawn with."""
MOST_MESSAGES = 20_000
CURVES = 8
CHECKPOINTS = 10
"""Newest checkpoints that are shown."""
METRIC: tuple[MessageKind, ...] = ("metric",)


@dataclass(frozen=True, slots=True)
class Read:
    """An input of a step, and where its value comes from."""

    name: str
    type: str
    words: str
    artifact: Artifact | None = None
    node: str = ""
    """Plan path of the step or loop that gives it; empty if none does."""


@dataclass(frozen=True, slots=True)
class StepDetail:
    """One step run."""

    step: StepRecord
    call: Node | None
    """What the plan says of it; None for a step that the plan no longer has."""
    reads: tuple[Read, ...]
    made: tuple[tuple[str, Artifact], ...]
    settings: Mapping[str, Any]
    curves: Mapping[str, Sequence[tuple[float, float]]]
    """Metric to its values while the step ran, each with where it was taken."""
    tries: tuple[StepRecord, ...]
    """This step in this run, with what was done anew, oldest first."""


def detail_of(site: Site, plan: PlanFacts, step: StepRecord) -> StepDetail:
    """Return everything about a step run."""
    records = site.store.records
    call = plan.calls.get(step.path)
    reads = tuple(_read(site, plan, step, item) for item in call["inputs"]) if call is not None else ()
    wired = {read.name for read in reads if read.artifact or read.node}
    return StepDetail(
        step,
        call,
        tuple(read for read in reads if read.words != "setting"),
        (*records.outputs_of([step.id]).get(step.id, ()), *_kept(site, step)),
        {name: value for name, value in step.settings.items() if name not in wired},
        curves_of(records.log(step.run, step.id, kinds=METRIC, after=0, limit=MOST_MESSAGES)),
        tuple(records.tries_of(step.run, step.path, step.keys, step.attempt)),
    )


def _kept(site: Site, step: StepRecord) -> list[tuple[str, Artifact]]:
    """Return the newest checkpoints of a step run, named by the epoch or iteration after which it kept them."""
    found = site.store.records.checkpoints_of_step(step.id, CHECKPOINTS)
    return [(f"{one.name} {one.summary.get('at', '')}", one) for one in found]


def curves_of(messages: Sequence[Message]) -> dict[str, list[tuple[float, float]]]:
    """Return metrics as curves of at most POINTS points each.

    >>> from datetime import datetime
    >>> told = [Message(datetime.min, "info", "metric", "", {"values": {"loss": 1 / n}, "at": n}) for n in (1, 2)]
    >>> curves_of(told)
    {'loss': [(1.0, 1.0), (2.0, 0.5)]}
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for message in messages:
        payload: Any = message.payload if isinstance(message.payload, dict) else {}
        for name, value in (payload.get("values") or {}).items():
            curve = found.setdefault(name, [])
            at = payload.get("at")
            curve.append((float(len(curve) + 1 if at is None else at), float(value)))
    return {name: curve[:: -(-len(curve) // POINTS)] for name, curve in list(found.items())[:CURVES]}


def curve_spec(curve: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return the picture of a curve, as Vega-Lite takes it; the metric's name is no part of it, and may be anything."""
    return {
        "data": {"values": [{"at": at, "value": value} for at, value in curve]},
        "width": "container",
        "height": 120,
        "mark": {"type": "line", "point": len(curve) < 40, "tooltip": True},
        "encoding": {
            "x": {"field": "at", "type": "quantitative", "axis": {"tickMinStep": 1, "title": None, "tickCount": 6}},
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": None,
                "scale": {"zero": False},
                "axis": {"tickCount": 4},
            },
        },
    }


def _read(site: Site, plan: PlanFacts, step: StepRecord, item: Mapping[str, Any]) -> Read:
    source = item["source"]
    match source["source"]:
        case "output":
            artifact = _given(site, plan, step, source)
            words = f"{source['name']} of {source['node'].rpartition('/')[2]}"
            return Read(item["name"], item["type"], words, artifact, source["node"])
        case "variable":
            value = dict(step.keys).get(source["name"], step.settings.get(source["name"], ""))
            return Read(item["name"], item["type"], f"{value} (of the loop)" if value != "" else "of the loop")
        case "given":
            return Read(item["name"], item["type"], f"{source['value']!r}, written in the workflow")
        case "setting":
            return Read(item["name"], item["type"], "setting")
        case "absent":
            return Read(item["name"], item["type"], "nothing: the branch that gives it does not run")
        case _:
            return Read(item["name"], item["type"], "its default")


def _given(site: Site, plan: PlanFacts, step: StepRecord, source: Mapping[str, Any]) -> Artifact | None:
    """Return the artifact that a source names, for the items and attempts of this step; None for those of a loop."""
    if source.get("source") != "output":
        return None
    node = source["node"]
    if node in plan.calls:
        around = [plan.boxes[path] for path in plan.around[node]]
        depth = sum(len(box["variables"]) for box in around if box["node"] == "loop")
        shared = [path for path in plan.around[node] if path in plan.around.get(step.path, ())]
        repeats = sum(plan.boxes[path]["node"] == "attempts" for path in shared)
        all_repeats = sum(box["node"] == "attempts" for box in around)
        attempt = step.attempt[:repeats] if repeats == all_repeats else None
        return site.store.records.output_at(step.run, node, source["name"], step.keys[:depth], attempt)
    box = plan.boxes.get(node)
    exported = next((one for one in (box or {}).get("exports", ()) if one["name"] == source["name"]), None)
    if box is None or exported is None or box["node"] == "loop":
        return None
    inside = [exported[name] for name in ("inside", "then", "otherwise") if exported.get(name)]
    return next((found for one in inside if (found := _given(site, plan, step, one)) is not None), None)
