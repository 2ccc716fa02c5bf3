"""`kaon show FLOW`: the plan of a workflow, as text, as a Mermaid picture or as JSON."""

from typing import Annotated

import typer

from .options import AsJson, Flow
from .refusals import CallError


def show(
    flow: Flow,
    as_json: AsJson = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print a Mermaid flowchart.")] = False,
) -> None:
    """Show what a workflow does: its steps, and where each of their inputs comes from."""
    from kaon.dsl.show import as_mermaid, as_text

    from .flow_names import find_workflow

    if as_json and mermaid:
        raise CallError("--json and --mermaid are two forms of the same plan", fix="give one of them")
    plan = find_workflow(flow).plan
    if as_json:
        print(plan.to_json(indent=2))
    else:
        print(as_mermaid(plan) if mermaid else as_text(plan), end="")
