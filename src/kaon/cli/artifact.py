"""`kaon artifact ID`: one artifact, with a preview, what it was made from, and what was made from it."""

from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Home

if TYPE_CHECKING:
    from kaon.artifacts import Artifact, Store
    from kaon.artifacts.lineage import Lineage


def artifact(
    artifact_id: Annotated[str, typer.Argument(metavar="ID", help="An artifact's number: kaon artifacts RUN.")],
    history: Annotated[
        bool, typer.Option("--history", help="Show what the past runs of its workflow gave in its place.")
    ] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show an artifact: its summary, a preview, and its lineage; or its history."""
    from kaon.artifacts import open_store
    from kaon.artifacts.lineage import downstream, upstream
    from kaon.artifacts.viewers import preview

    from .described import described_artifact
    from .found import found_artifact
    from .printed import print_json

    store = open_store()
    found = found_artifact(store, artifact_id)
    if history:
        _print_history(store, found, as_json)
        return
    sources, results = upstream(store.records, found.id), downstream(store.records, found.id)
    if as_json:
        lineage = {"upstream": sources.edges, "downstream": results.edges}
        print_json({**described_artifact(found), "lineage": lineage, "preview": preview(store, found)})
        return
    _print(store, found, sources, results)


def _print(store: "Store", found: "Artifact", sources: "Lineage", results: "Lineage") -> None:
    from kaon.artifacts.amounts import size
    from kaon.artifacts.viewers import preview

    from .artifacts import fact_said
    from .printed import console, items, moment

    terminal = console()
    where = f", {items(found.keys)}" if found.keys else ""
    attempt = f", attempt {'.'.join(map(str, found.attempt))}" if found.attempt else ""
    terminal.print(f"[bold]{found.name}[/] #{found.id}")
    for name, fact in (
        ("kind", found.kind),
        ("size", size(found.size)),
        ("digest", found.digest),
        ("made by", f"{found.step}{where}{attempt}, run {found.run}, {moment(found.created)}"),
        *((name, fact_said(value)) for name, value in found.summary.items()),
    ):
        terminal.print(f"  {name:<12} {fact}", markup=False)
    for line in ("", *preview(store, found)):
        terminal.print(f"  {line}", markup=False)
    for title, lineage_of in (("made from", sources), ("used for", results)):
        for line in _lineage(title, lineage_of):
            terminal.print(line, markup=False)


def _print_history(store: "Store", artifact: "Artifact", as_json: bool) -> None:
    from kaon.artifacts.viewers import history_viewers_for
    from kaon.artifacts.viewers.moments import moments_of

    from .blocks import print_blocks
    from .described import described_artifact
    from .printed import print_json

    moments = moments_of(store, artifact)
    if as_json:
        print_json(
            [
                {
                    "run": moment.run,
                    "started": moment.started,
                    "state": moment.state,
                    "artifact": described_artifact(moment.artifact) if moment.artifact else None,
                }
                for moment in moments
            ]
        )
        return
    print_blocks(history_viewers_for(artifact)[0].view(moments))


def _lineage(title: str, lineage: "Lineage") -> list[str]:
    lines = lineage.lines()[1:]
    return ["", title, *lines] if lines else []
