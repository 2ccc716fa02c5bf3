"""A state machine: whatever is put, committed, damaged, lost and reopened, the store tells the truth."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from kaon.artifacts import (
    AlreadyEnded,
    Artifact,
    CorruptArtifact,
    Digest,
    MissingBlob,
    Origin,
    digest_bytes,
    open_store,
)

VALUES = st.one_of(st.text(max_size=5), st.sampled_from(["a" * 5000, "b" * 5000, "c" * 9000]))
KEYS = st.sampled_from([digest_bytes(b"one"), digest_bytes(b"two")])


class StoreMachine(RuleBasedStateMachine):
    steps = Bundle("steps")
    artifacts = Bundle("artifacts")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(self.folder.name)
        self.run = self.store.records.start_run("flow", {}, "{}", "local").id
        self.values: dict[int, str] = {}
        self.broken: dict[Digest, type[Exception]] = {}
        self.committed: dict[Digest, list[tuple[int, dict[str, Artifact]]]] = {}
        self.ended: dict[int, str] = {}
        self.done: set[int] = set()

    def teardown(self) -> None:
        self.store.records.database.close()
        self.folder.cleanup()

    @rule(target=steps)
    def start(self) -> int:
        return self.store.records.start_step(self.run, "flow/step", "step")

    @rule(target=artifacts, step=steps, value=VALUES, data=st.data())
    def put(self, step: int, value: str, data: Any) -> Artifact:
        known = sorted(self.values)
        sources = tuple(data.draw(st.lists(st.sampled_from(known), max_size=3))) if known else ()
        origin = Origin(self.run, step, "flow/step")
        artifact = self.store.put(value, name="value", annotation=str, origin=origin, made_from=sources)
        assert artifact.made_from == sources
        self.values[artifact.id] = value
        self.broken.pop(artifact.digest, None)
        return artifact

    @rule(step=steps, key=KEYS, chosen=st.lists(artifacts, max_size=3))
    def commit(self, step: int, key: Digest, chosen: list[Artifact]) -> None:
        outputs = {f"output{place}": artifact for place, artifact in enumerate(chosen)}
        if step in self.ended or step in self.done:
            with pytest.raises(AlreadyEnded):
                self.store.commit(step, key, outputs)
            return
        self.store.commit(step, key, outputs)
        self.done.add(step)
        self.committed.setdefault(key, []).append((step, outputs))

    @rule(step=steps, state=st.sampled_from(["completed", "failed", "cancelled"]))
    def end(self, step: int, state: Any) -> None:
        if step in self.ended:
            with pytest.raises(AlreadyEnded):
                self.store.records.end_step(step, state)
            return
        self.store.records.end_step(step, state)
        self.ended[step] = state

    @rule(artifact=consumes(artifacts), lost=st.booleans())
    def harm(self, artifact: Artifact, lost: bool) -> None:
        if artifact.size <= 4096 or artifact.digest in self.broken:
            return
        path: Path = self.store.blobs.path(artifact.digest)
        path.chmod(0o644)
        if lost:
            path.unlink()
        else:
            path.write_bytes(b"damaged")
        self.broken[artifact.digest] = MissingBlob if lost else CorruptArtifact

    @rule()
    def reopen(self) -> None:
        self.store.records.database.close()
        self.store = open_store(self.folder.name)

    @rule(key=KEYS)
    def find(self, key: Digest) -> None:
        def is_there(artifact: Artifact) -> bool:
            return self.broken.get(artifact.digest) is not MissingBlob

        expected = next(
            (
                (step, outputs)
                for step, outputs in reversed(self.committed.get(key, [])[-8:])
                if all(map(is_there, outputs.values()))
            ),
            None,
        )
        found = self.store.find(key)

        assert (found and (found.step_run, dict(found)) if found is not None else None) == expected or (
            found is not None and expected == (found.step_run, {}) and dict(found) == {}
        )

    @invariant()
    def every_value_reads_as_it_was_or_says_why_not(self) -> None:
        for artifact in self.store.records.artifacts(sorted(self.values)[-5:]).values():
            trouble = self.broken.get(artifact.digest)
            if trouble is None:
                assert self.store.get(artifact, str) == self.values[artifact.id]
            else:
                with pytest.raises(trouble):
                    self.store.get(artifact, str)

    @invariant()
    def every_step_stands_where_it_was_left(self) -> None:
        for record in self.store.records.step_runs(self.run)[-5:]:
            assert record.state == self.ended.get(record.id, "running")


StoreMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStore = StoreMachine.TestCase
