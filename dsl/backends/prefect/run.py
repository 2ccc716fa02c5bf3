"""Run a session as a Prefect flow, and wait until Prefect has recorded what it saw."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.settings import PREFECT_API_URL

from kaon.artifacts import kaon_home

from ...settings import validated
from ..frame import Frame
from ..interpret import Interpreter
from ..run_session import RunSession
from .flow import Conducted, conducting, finished_frame, to_prefect
from .server import prefect_server, wait_until_recorded

RECORDED_BOUND = 30.0
"""Seconds to wait, after a run, for Prefect to record its task runs."""


@contextmanager
def serving() -> Iterator[None]:
    """Have a Prefect server for as long as the block runs: the one that is set, the one that is up, or one's own."""
    with prefect_server(kaon_home()):
        yield


def run_on_prefect(session: RunSession, interpreter: Interpreter) -> Frame:
    """Run the session's plan as a flow and return the outputs; raises Stopped with every failure.

    A note is left with the session if Prefect did not record every task run in time.
    """
    workflow = session.request.workflow
    settings = validated(workflow.settings_model, session.request.settings)
    parameters = {name: getattr(settings, name) for name in workflow.settings_model.model_fields}
    conducted = Conducted(session, interpreter)
    with conducting(conducted):
        try:
            state = to_prefect(workflow, session.request.engine)(**parameters, return_state=True)
            _wait(conducted)
        except Exception as error:
            if conducted.frame is None and conducted.stopped is None:
                raise
            session.notes.append(f"Prefect could not be told how the run ended, which the records know: {error}")
    if conducted.frame is None and conducted.stopped is None:
        state.result()  # type: ignore[attr-defined]  # raises why the flow did not even begin
    return finished_frame(conducted)


def _wait(conducted: Conducted) -> None:
    if not conducted.flow_run_id:
        return
    address = PREFECT_API_URL.value()
    assert address is not None, "a server is there while a run goes on"
    seen = wait_until_recorded(address, conducted.flow_run_id, expected=conducted.submitted, bound=RECORDED_BOUND)
    if not seen.complete:
        conducted.session.notes.append(str(seen))
