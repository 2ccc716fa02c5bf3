"""`kaon artifacts RUN`: everything that the steps of a run made or reused."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .options import AsJson, Home, RunId

if TYPE_CHECKING:
    from kaon.artifacts import Artifact


def artifacts(run: RunId, as_json: AsJson = False, home: Home = None) -> None:
    """List a run's artifacts: what its steps made, what they reused of earlier runs, and the checkpoints they kept."""
    from kaon.artifacts import open_store
    from kaon.artifacts.amounts import size

    from .described import described_artifact
    from .found import found_run
    from .printed import console, items, print_json, table

    store = open_store()
    record = found_run(store, run)
    outputs = [artifact for _, _, artifact in store.records.outputs(record.id)]
    checkpoints = store.records.checkpoints_of_run(record.id)[::-1]
    if as_json:
        print_json([described_artifact(artifact) for artifact in (*outputs, *checkpoints)])
        return
    kept = {artifact.id for artifact in checkpoints}
    rows = [
        (
            str(artifact.id),
            artifact.name,
            artifact.kind,
            ", ".join(filter(None, (items(artifact.keys), _attempt(artifact.attempt)))),
            size(artifact.size),
            _made_by(artifact, record.id, artifact.id in kept),
            told(artifact.summary),
        )
        for artifact in (*outputs, *checkpoints)
    ]
    names = ("id", "name", "kind", "items", "size", "made by", "summary")
    console().print(table(names, rows, right=("id", "size")))


def _made_by(artifact: "Artifact", run: int, kept: bool) -> str:
    if kept:
        return f"{artifact.step.rpartition('/')[2]}, meanwhile"
    return "this run" if artifact.run == run else f"run {artifact.run}"


def told(summary: Mapping[str, object], width: int = 60) -> str:
    """Return a summary on one line.

    >>> told({"rows": 3, "loss": 0.15000000000000002})
    'rows 3, loss 0.15'
    """
    line = ", ".join(f"{name} {fact_said(value)}" for name, value in summary.items())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def fact_said(value: object) -> str:
    """Return one fact of a summary in words.

    >>> fact_said({"size": "float64", "city": "object"})
    'size float64, city object'
    """
    from kaon.artifacts.viewers.said import said

    return (
        ", ".join(f"{name} {said(one)}" for name, one in value.items()) if isinstance(value, Mapping) else said(value)
    )


def _attempt(attempt: tuple[int, ...]) -> str:
    return f"attempt {'.'.join(map(str, attempt))}" if attempt else ""
