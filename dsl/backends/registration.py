"""Let the store know a workflow: its plan, what the plan leaves out, and where its code is."""

from kaon.artifacts import RegisteredWorkflow, Store

from ..plan import Json
from ..signature import signature_of
from ..workflow import Workflow
from .contents import is_path

LOOKS_OUTSIDE = "it reads what is none of its inputs"


def register(store: Store, workflow: Workflow, *, flow: str = "", folder: str = "", plan: str = "") -> bool:
    """Keep the workflow in the store as it is now, and return whether anything of it is new.

    flow: FLOW as on the command line, with an absolute path if it is a file; folder: from where it is found; plan: its
    plan as JSON, where that is known already.
    """
    plan = plan or workflow.plan.to_json()
    return store.records.register_workflow(RegisteredWorkflow(workflow.name, flow, folder, plan, _facts(workflow)))


def _facts(workflow: Workflow) -> dict[str, Json]:
    files: dict[str, Json] = {}
    always: dict[str, Json] = {}
    for path, step in workflow.steps.items():
        named = [p.name for p in signature_of(step.definition).parameters if is_path(p.annotation)]
        files |= {path: named} if named else {}
        always |= {} if step.definition.reusable else {path: LOOKS_OUTSIDE}
    return {"files": files, "always": always}
