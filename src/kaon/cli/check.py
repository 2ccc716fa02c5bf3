"""`kaon check FLOW`: say whether a workflow is sound, or everything that is wrong with it."""

from .options import AsJson, Flow


def check(flow: Flow, as_json: AsJson = False) -> None:
    """Check a workflow without running it. Exits with 2, and tells every problem at once, if it is not sound."""
    from kaon.dsl.settings import addresses

    from .flow_names import find_workflow
    from .printed import print_json

    workflow = find_workflow(flow)
    steps = len(list(workflow.plan.calls()))
    settings = addresses(workflow.settings_model)
    if as_json:
        print_json({"workflow": workflow.name, "steps": steps, "settings": settings})
    else:
        print(f"{workflow.name} is sound: {steps} steps, {len(settings)} settings")
