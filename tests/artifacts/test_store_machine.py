"""A state machine: whatever runs begin, finish, kill, take over, ask, harm and reopen, the store tells the truth."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from tests.artifacts.modelled import Run
from tests.artifacts.stores import empty_postgres, kill

from kaon.artifacts import (
    AlreadyEnded,
    Artifact,
    Begin,
    Begun,
    CorruptArtifact,
    Digest,
    Elsewhere,
    Ending,
    Fenced,
    Found,
    Lease,
    MissingBlob,
    Store,
    UnknownRecord,
    digest_bytes,
    open_store,
)

VALUES = st.one_of(st.text(max_size=5), st.sampled_from(["a" * 5000, "b" * 5000, "c" * 9000]))
KEYS = st.sampled_from([None, digest_bytes(b"one"), digest_bytes(b"two"), digest_bytes(b"three")])
QUESTION = ("flow/publish", (), ())


class StoreMachine(RuleBasedStateMachine):
    leases = Bundle("leases")
    """Every lease there ever was; most are stale."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = self.opened()
        self.runs: dict[int, Run] = {}
        self.states: dict[int, str] = {}
        self.keys: dict[int, Digest | None] = {}
        self.values: dict[int, str] = {}
        self.broken: dict[Digest, type[Exception]] = {}
        self.committed: dict[Digest, list[tuple[int, dict[str, Artifact]]]] = {}

    def opened(self) -> Store:
        return open_store(self.folder.name)

    def teardown(self) -> None:
        self.store.records.database.close()
        self.folder.cleanup()

    def refused(self, lease: Lease) -> type[Exception] | None:
        """Return what a write with this lease must raise."""
        run = self.runs[lease.run]
        if lease != run.lease:
            return Fenced
        return None if run.goes_on else AlreadyEnded

    @rule(target=leases)
    def start(self) -> Lease:
        lease = self.store.records.start_run("flow", {}, "{}", "local").lease
        self.runs[lease.run] = Run(lease)
        return lease

    @rule(lease=leases, keys=st.lists(KEYS, min_size=1, max_size=4), fresh=st.booleans())
    def begin(self, lease: Lease, keys: list[Digest | None], fresh: bool) -> None:
        calls = [Begin("flow/step", "step", (("i", i),), key=key, fresh=fresh) for i, key in enumerate(keys)]
        error = self.refused(lease)
        if error is not None:
            with pytest.raises(error):
                self.store.begin_steps(lease, calls)
            return
        run = self.runs[lease.run]
        self.bury({key for key in keys if key is not None}, but=lease.run)
        for call, answer in zip(calls, self.store.begin_steps(lease, calls), strict=True):
            committed = None if fresh or call.key is None else self.reusable(call.key)
            claimed = self.claims().get(call.key) if call.key is not None else None
            if committed is not None:
                assert isinstance(answer, Found) and (answer.committed.step_run, dict(answer.committed)) == committed
                self.states[answer.step_run] = "skipped"
            elif claimed is not None:
                assert answer == Elsewhere(claimed)
            else:
                assert isinstance(answer, Begun)
                self.states[answer.step_run], self.keys[answer.step_run] = "running", call.key
                run.left.add(answer.step_run)

    def claims(self) -> dict[Digest, int]:
        return {key: number for number, run in self.runs.items() for step in run.left if (key := self.keys[step])}

    def bury(self, keys: set[Digest], but: int) -> None:
        """Note that runs that died while they made one of these keys now have ended."""
        for key, number in self.claims().items():
            run = self.runs[number]
            if key in keys and number != but and run.dead and run.state == "running":
                self.end_open(run, "failed")
                run.closed("failed")

    def end_open(self, run: Run, state: str) -> None:
        self.states |= dict.fromkeys(run.left, state)

    def reusable(self, key: Digest) -> tuple[int, dict[str, Artifact]] | None:
        def is_there(artifact: Artifact) -> bool:
            return self.broken.get(artifact.digest) is not MissingBlob

        newest = reversed(self.committed.get(key, [])[-8:])
        return next(((step, made) for step, made in newest if all(map(is_there, made.values()))), None)

    @rule(
        lease=leases,
        state=st.sampled_from(["completed", "completed", "failed", "cancelled"]),
        values=st.lists(VALUES, max_size=2),
        data=st.data(),
    )
    def finish(self, lease: Lease, state: Any, values: list[str], data: Any) -> None:
        of_run = [step for step, _ in self.states.items() if step in self.runs[lease.run].left]
        if not of_run:
            return
        steps = data.draw(st.lists(st.sampled_from(of_run), min_size=1, max_size=3, unique=True))
        known = sorted(self.values)
        sources = tuple(data.draw(st.lists(st.sampled_from(known), max_size=3))) if known else ()
        outputs = tuple(self.store.dumped(value, f"output{i}", str) for i, value in enumerate(values))
        for output in outputs:
            if output.inline is None:
                self.broken.pop(output.digest, None)
        endings = [Ending(step, state, outputs=outputs, made_from=sources) for step in steps]
        error = self.refused(lease)
        if error is not None:
            with pytest.raises(error):
                self.store.finish_steps(lease, endings)
            return
        for step, made in zip(steps, self.store.finish_steps(lease, endings), strict=True):
            self.values |= {artifact.id: value for artifact, value in zip(made.values(), values, strict=True)}
            self.states[step] = state
            self.runs[lease.run].left.remove(step)
            key = self.keys[step]
            if state == "completed" and key is not None:
                self.committed.setdefault(key, []).append((step, made))

    @rule(lease=leases)
    def finish_again(self, lease: Lease) -> None:
        ended = [step.id for step in self.store.records.step_runs(lease.run, states=["completed", "skipped"])]
        if ended:
            with pytest.raises(AlreadyEnded):
                self.store.finish_steps(lease, [Ending(ended[-1], "failed")])

    @rule(lease=leases)
    def die(self, lease: Lease) -> None:
        kill(self.store.records, lease.run)
        self.runs[lease.run].dead = True

    @rule(target=leases, lease=leases)
    def take_over(self, lease: Lease) -> Any:
        run = self.runs[lease.run]
        if run.state == "running" and not run.dead:
            return multiple()
        taken = self.store.records.take_over(lease.run).lease
        assert taken.generation == run.lease.generation + 1
        self.end_open(run, "failed")
        self.runs[lease.run] = Run(taken, asks=run.asks)
        return taken

    @rule(lease=leases)
    def beat(self, lease: Lease) -> None:
        error = self.refused(lease)
        if error is None:
            assert self.store.records.beat(lease) == self.runs[lease.run].wanted
            return
        with pytest.raises(error):
            self.store.records.beat(lease)

    @rule(lease=leases, state=st.sampled_from(["completed", "failed", "cancelled", "held"]))
    def end(self, lease: Lease, state: Any) -> None:
        error = self.refused(lease)
        if error is not None:
            with pytest.raises(error):
                self.store.records.end_run(lease, state)
            return
        self.store.records.end_run(lease, state)
        self.end_open(self.runs[lease.run], "cancelled")
        self.runs[lease.run].closed(state)

    @rule(lease=leases)
    def cancel(self, lease: Lease) -> None:
        run = self.runs[lease.run]
        if not run.goes_on:
            with pytest.raises(AlreadyEnded):
                self.store.records.want(lease.run, "cancelled")
            return
        self.store.records.want(lease.run, "cancelled")
        run.wanted = "cancelled"
        if run.dead or run.state == "held":
            self.end_open(run, "cancelled")
            run.closed("cancelled")

    @rule(lease=leases)
    def ask(self, lease: Lease) -> None:
        error = self.refused(lease)
        if error is None:
            self.store.records.hold_step(lease, "flow/publish", "publish", (), (), "publish?")
            self.runs[lease.run].asks = True
            assert self.store.records.decision(lease.run, *QUESTION) is None
            return
        with pytest.raises(error):
            self.store.records.hold_step(lease, "flow/publish", "publish", (), (), "publish?")

    @rule(lease=leases, approved=st.booleans())
    def answer(self, lease: Lease, approved: bool) -> None:
        run = self.runs[lease.run]
        if not (run.asks and run.goes_on):
            with pytest.raises(UnknownRecord):
                self.store.records.decide(lease.run, approved, "anna")
            return
        assert self.store.records.decide(lease.run, approved, "anna") == 1
        assert self.store.records.decision(lease.run, *QUESTION) is approved
        run.asks = False

    @rule(lost=st.booleans(), data=st.data())
    def harm(self, lost: bool, data: Any) -> None:
        blobs = sorted(digest for digest in self.store.blobs.digests() if digest not in self.broken)
        if not blobs:
            return
        digest = data.draw(st.sampled_from(blobs))
        path: Path = self.store.blobs.path(digest)
        path.chmod(0o644)
        if lost:
            path.unlink()
        else:
            path.write_bytes(b"damaged")
        self.broken[digest] = MissingBlob if lost else CorruptArtifact

    @rule()
    def reopen(self) -> None:
        self.store.records.database.close()
        self.store = self.opened()

    @rule(key=KEYS.filter(bool))
    def find(self, key: Digest) -> None:
        found = self.store.find(key)

        assert (None if found is None else (found.step_run, dict(found))) == self.reusable(key)

    @invariant()
    def every_value_reads_as_it_was_or_says_why_not(self) -> None:
        for artifact in self.store.records.artifacts(sorted(self.values)[-4:]).values():
            trouble = self.broken.get(artifact.digest)
            if trouble is None:
                assert self.store.get(artifact, str) == self.values[artifact.id]
            else:
                with pytest.raises(trouble):
                    self.store.get(artifact, str)

    @invariant()
    def every_run_and_step_stands_where_it_was_left(self) -> None:
        for number, run in self.runs.items():
            record = self.store.records.run(number)
            died = run.dead and run.state == "running"
            assert record.state == ("failed" if died else run.state) and record.lease == run.lease
            assert (record.ended is None) == run.goes_on
            for step in self.store.records.step_runs(number, path="step", history=True):
                assert step.state == ("failed" if died and step.id in run.left else self.states[step.id])

    @rule(lease=leases)
    def look(self, lease: Lease) -> None:
        records = self.store.records
        steps = records.step_runs(lease.run)
        paths = records.overview(lease.run).paths
        well = {step.id for step in steps if step.path == "flow/step" and step.state in ("completed", "skipped")}

        assert {done.step_run for done in records.done(lease.run).values()} <= well
        assert sum((Counter(path.counts) for path in paths), Counter()) == Counter(step.state for step in steps)


class PostgresMachine(StoreMachine):
    def opened(self) -> Store:
        url = getattr(self, "url", None) or empty_postgres()
        self.url = url
        return open_store(f"file://{self.folder.name}?records={url}")


SETTINGS = settings(stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
StoreMachine.TestCase.settings = settings(SETTINGS, max_examples=20)
PostgresMachine.TestCase.settings = settings(SETTINGS, max_examples=8)
TestStore = StoreMachine.TestCase


@pytest.mark.postgres
class TestPostgresStore(PostgresMachine.TestCase):  # type: ignore[misc, name-defined]
    settings = PostgresMachine.TestCase.settings
