"""Run one call: reuse what the store holds, else try the step, as often as it may be tried, and store what it makes."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kaon.artifacts import AlreadyEnded, Artifact, ArtifactsError, Digest, Metrics, Origin, digest_value, step_key

from ..context import Message, StepContext, stepping
from ..events import ProgressEvent, State, StepEvent
from ..ir import Step
from ..places.in_process import run_in_process
from ..plan import Json
from ..signature import signature_of
from .contents import contents_digest, is_path
from .failures import Failure, InputNotRead, OutputNotStored, Stopped, failure_of
from .interpret import Invocation
from .output_capture import captured
from .references import Plain, Reference, Stored, artifacts, digest, load
from .session import Session

Outputs = dict[str, Reference]


class Execution:
    """One call of a run, from its key to its outputs."""

    def __init__(self, session: Session, invocation: Invocation) -> None:
        self.invocation = invocation
        self.call = invocation.call
        self.tries = 0
        self.failure: Failure | None = None
        self.artifacts: Mapping[str, Artifact] = {}
        """What it made or reused."""
        self.reason = ""
        """Why it ran or was skipped."""
        self.on_progress: Callable[[float, str], None] | None = None
        self._session = session
        self._step: Step[..., Any] = session.request.workflow.steps[self.call.path]
        self._annotations = {p.name: p.annotation for p in signature_of(self._step.definition).parameters}
        self._step_run = 0
        self._began = 0.0

    def reuse(self) -> Outputs | None:
        """Return the outputs that the store holds for the same code, settings and inputs, or None if it must run."""
        self.key = self._key()
        if self.call.step in self._session.request.force:
            self.reason = f"forced: --force {self.call.step}"
            return None
        found = self._session.store.find(self.key)
        if found is None:
            self.reason = "nothing stored for this code, these settings and these inputs"
            return None
        self.reason = f"same code, settings and inputs as run {found.run}"
        self.artifacts = dict(found)
        self._session.store.records.skip_step(
            self._session.run.id,
            self.call.path,
            self.call.step,
            self.invocation.keys,
            self.invocation.attempts,
            self._plain_inputs(),
            self.key,
            self.reason,
            found,
        )
        self._tell("skipped", self.reason)
        return {name: Stored(artifact) for name, artifact in found.items()}

    @property
    def may_retry(self) -> bool:
        """Whether the step may be tried again."""
        return self.tries <= self.call.retries

    def attempt(self) -> Outputs:
        """Try the step once and return its outputs.

        Raises what the step raised; afterwards `may_retry` says whether it is to be tried again, and if not, `failure`
        holds what is recorded.
        """
        self.tries += 1
        self._start()
        try:
            made = self._run()
        except Exception as error:
            self._failed(error)
            raise
        except BaseException as error:
            self._end("cancelled", f"interrupted: {type(error).__name__}")
            raise
        self._end("completed", self.reason)
        return made

    def _start(self) -> None:
        records = self._session.store.records
        if self.tries > 1:
            records.restart_step(self._step_run)
        else:
            self._began = time.monotonic()
            self._step_run = records.start_step(
                self._session.run.id,
                self.call.path,
                self.call.step,
                self.invocation.keys,
                self.invocation.attempts,
                self._plain_inputs(),
                self.key,
                self.reason,
            )
        self._tell("running", self.reason)

    def _run(self) -> Outputs:
        inputs = {name: self._loaded(name, reference) for name, reference in self.invocation.inputs.items()}
        context = StepContext(self.call.path, self._session.run.id, self.tries, self._heard)
        with stepping(context), captured(context):
            value = run_in_process(self._function, inputs, self.call.timeout)
        values = self._values(value)
        self.artifacts = self._stored(values)
        self._session.store.commit(self._step_run, self.key, self.artifacts)
        for made, one in zip(self.call.outputs, values, strict=True):
            if isinstance(one, Metrics):
                self._session.track({f"{made.name}.{name}": number for name, number in one.items()})
        return {name: Stored(artifact) for name, artifact in self.artifacts.items()}

    def _function(self, **inputs: Any) -> Any:
        with self._session.in_step():
            return self._step.definition.function(**inputs)

    def _loaded(self, name: str, reference: Reference) -> Any:
        try:
            return load(reference, self._annotations[name], self._session.store)
        except (ArtifactsError, ValueError) as error:
            raise InputNotRead(f"the input {name!r} cannot be read: {error}") from error

    def _values(self, value: Any) -> tuple[Any, ...]:
        """Return the outputs in what the function returned, in their order."""
        if not signature_of(self._step.definition).several:
            return (value,) * len(self.call.outputs)
        if not isinstance(value, tuple) or len(value) != len(self.call.outputs):
            names = ", ".join(made.returned_as for made in self.call.outputs)
            raise TypeError(
                f"{self.call.step} must return its outputs ({names}), and returned a {type(value).__name__}"
            )
        return value

    def _stored(self, values: tuple[Any, ...]) -> dict[str, Artifact]:
        made_from = tuple({artifact.id: None for r in self.invocation.inputs.values() for artifact in artifacts(r)})
        origin = Origin(
            self._session.run.id, self._step_run, self.call.path, self.invocation.keys, self.invocation.attempts
        )
        annotations = [annotation for _, annotation in signature_of(self._step.definition).outputs]
        stored = {}
        for made, value, annotation in zip(self.call.outputs, values, annotations, strict=True):
            try:
                stored[made.name] = self._session.store.put(
                    value, name=made.name, annotation=annotation, origin=origin, made_from=made_from
                )
            except ArtifactsError as error:
                raise OutputNotStored(f"the output {made.name!r} cannot be stored: {error}") from error
        return stored

    def _heard(self, message: Message) -> None:
        self._session.record(self._step_run, message)
        if message.kind == "metric":
            self._session.track({f"{self.call.step}.{name}": value for name, value in message.values.items()})
        if message.kind in ("progress", "status"):
            fraction = message.values.get("fraction")
            if fraction is not None:
                self._session.store.records.progress_step(self._step_run, fraction, message.text)
                if self.on_progress is not None:
                    self.on_progress(fraction, message.text)
            where = (self.call.path, self.call.step, self.invocation.keys, self.invocation.attempts)
            self._session.tell(ProgressEvent(*where, fraction, message.text))

    def _failed(self, error: Exception) -> None:
        failure = failure_of(error, self.call.path, self.invocation.keys, self.invocation.attempts)
        self._session.record(self._step_run, Message("log", f"{failure.traceback}\n{failure.cause}".strip()))
        if self.may_retry:
            again = f"try {self.tries} of {self.call.retries + 1} failed: {failure.cause}"
            self._session.store.records.retry_step(self._step_run, failure.cause, self.call.retry_delay)
            self._tell("retrying", again)
            return
        self.failure = failure
        self._end("failed", failure.cause, f"{failure.cause}\n{failure.traceback}".strip())

    def _end(self, state: State, reason: str, error: str | None = None) -> None:
        self._session.flush()
        try:
            self._session.store.records.end_step(self._step_run, state, reason, error)
        except AlreadyEnded:
            if not self._session.ended:  # else the run was interrupted, and its steps are recorded as cancelled
                raise
        self._tell(state, reason)

    def _tell(self, state: State, reason: str) -> None:
        seconds = time.monotonic() - self._began if self._began else 0.0
        where = (self.call.path, self.call.step, self.invocation.keys, self.invocation.attempts)
        self._session.tell(StepEvent(*where, state, reason, seconds))

    def _key(self) -> Digest:
        """Return the digest of all that decides what the step makes: its code, settings and inputs."""
        inputs = self.invocation.inputs
        plain = {name: self._meant(name, r.value) for name, r in inputs.items() if isinstance(r, Plain)}
        made = {name: digest(r) for name, r in inputs.items() if not isinstance(r, Plain)}
        outputs = digest_value([[output.name, output.type] for output in self.call.outputs])
        code = Digest(self.call.code)
        return step_key(step=self.call.function, code=code, settings=plain, inputs={**made, "return": outputs})

    def _meant(self, name: str, value: Json) -> Json:
        """Return what a plain value stands for: itself, or the contents of the files it names."""
        return contents_digest(Path(value)) if value is not None and is_path(self._annotations[name]) else value

    def _plain_inputs(self) -> dict[str, Any]:
        return {name: r.value for name, r in self.invocation.inputs.items() if isinstance(r, Plain)}


def execute(session: Session, invocation: Invocation) -> Outputs:
    """Run a call to its end in this thread, waiting between tries.

    Raises Stopped if the last try failed too.
    """
    execution = Execution(session, invocation)
    try:
        found = execution.reuse()
    except ArtifactsError as error:
        failure = failure_of(error, invocation.call.path, invocation.keys, invocation.attempts)
        raise Stopped((failure,)) from error
    if found is not None:
        return found
    while True:
        try:
            return execution.attempt()
        except Exception as error:
            if execution.failure is not None:
                raise Stopped((execution.failure,)) from error
            time.sleep(invocation.call.retry_delay)


def abandon(session: Session, invocation: Invocation, reason: str) -> None:
    """Record that a call will not be made."""
    call = invocation.call
    session.store.records.cancel_step(
        session.run.id, call.path, call.step, invocation.keys, invocation.attempts, reason
    )
    session.tell(StepEvent(call.path, call.step, invocation.keys, invocation.attempts, "cancelled", reason))
