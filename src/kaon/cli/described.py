"""Runs, steps and artifacts as the JSON that listings print: stable names, no Python in them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from .printed import lasted

if TYPE_CHECKING:
    from kaon.artifacts import Artifact, HoldRecord, Message, PathProgress, RunRecord, StepRecord

Described: TypeAlias = Mapping[str, object]


def described_run(run: "RunRecord") -> Described:
    """Return what the records say of a run, without its plan."""
    return {
        "run": run.id,
        "workflow": run.workflow,
        "state": run.state,
        "reason": run.reason,
        "backend": run.backend,
        "started": run.started,
        "ended": run.ended,
        "seconds": lasted(run.started, run.ended),
        "settings": run.settings,
        "tags": run.tags,
        "generation": run.generation,
        "host": run.host,
        "pid": run.pid,
        "heartbeat": run.heartbeat,
    }


def described_path(progress: "PathProgress") -> Described:
    """Return how far a step is, over all its items and attempts."""
    return {
        "path": progress.path,
        "step": progress.step,
        "total": progress.total,
        "counts": dict(progress.counts),
        "started": progress.started,
        "latest": progress.latest,
        "rate": progress.rate,
        "seconds_left": None if progress.left is None else progress.left.total_seconds(),
    }


def described_hold(hold: "HoldRecord") -> Described:
    """Return what a run asks a person, and the answer if there is one."""
    return {
        "path": hold.path,
        "keys": dict(hold.keys),
        "attempt": hold.attempt,
        "question": hold.question,
        "asked": hold.asked,
        "decided": hold.decided,
        "approved": hold.approved,
        "by": hold.by,
    }


def described_step(step: "StepRecord") -> Described:
    """Return what the records say of a step of a run."""
    return {
        "id": step.id,
        "path": step.path,
        "step": step.step,
        "keys": dict(step.keys),
        "attempt": step.attempt,
        "state": step.state,
        "reason": step.reason,
        "error": step.error,
        "tries": step.tries,
        "fraction": step.fraction,
        "note": step.note,
        "started": step.started,
        "ended": step.ended,
        "seconds": lasted(step.started, step.ended),
    }


def described_artifact(artifact: "Artifact") -> Described:
    """Return what the store knows about an artifact."""
    return {
        "id": artifact.id,
        "name": artifact.name,
        "kind": artifact.kind,
        "digest": artifact.digest,
        "size": artifact.size,
        "created": artifact.created,
        "run": artifact.run,
        "step": artifact.step,
        "keys": dict(artifact.keys),
        "attempt": artifact.attempt,
        "made_from": artifact.made_from,
        "summary": artifact.summary,
    }


def described_message(message: "Message") -> Described:
    """Return what a step said."""
    return {
        "id": message.id,
        "time": message.time,
        "path": message.path,
        "level": message.level,
        "kind": message.kind,
        "text": message.text,
        "payload": message.payload,
    }
