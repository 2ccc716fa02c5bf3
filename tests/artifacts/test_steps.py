"""What the records say of steps: begun, tried again, finished, many at once."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.artifacts.stores import Clock, kill

from kaon.artifacts import (
    AlreadyEnded,
    Begin,
    Begun,
    Done,
    Elsewhere,
    Ending,
    Found,
    Lease,
    NewOutput,
    NotStorable,
    UnknownRecord,
    digest_bytes,
    keys_json,
)
from kaon.artifacts.records.records import Records

KEY = digest_bytes(b"key")


def begin(records: Records, lease: Lease, *calls: Begin) -> list[Any]:
    return records.begin_steps(lease, calls, lambda _: True)


def one(records: Records, lease: Lease, **given: Any) -> Any:
    return begin(records, lease, Begin(**{"path": "flow/train", "step": "train", **given}))[0]


def output(name: str = "model", raw: bytes = b"1") -> NewOutput:
    return NewOutput(name, "json", digest_bytes(raw), len(raw), {"value": 1}, raw)


@pytest.fixture
def step(records: Records, lease: Lease) -> int:
    keys, settings = (("market", "US"),), {"rank": 8}
    started: int = one(records, lease, keys=keys, attempt=(1, 2), settings=settings, key=KEY, reason="new").step_run
    return started


def test_a_step_says_where_it_stands(records: Records, lease: Lease, step: int, clock: Clock):
    begun = records.step_run(step)
    assert (begun.path, begun.step, begun.keys, begun.attempt) == ("flow/train", "train", (("market", "US"),), (1, 2))
    assert (begun.settings, begun.key, begun.state, begun.reason) == ({"rank": 8}, KEY, "running", "new")
    assert (begun.tries, begun.fraction, begun.note, begun.error, begun.ended) == (1, None, "", None, None)
    assert (begun.generation, begun.superseded, begun.started) == (1, False, clock.time)

    records.progress_steps(lease, [(step, 1.7, "epoch 4 of 4")])
    assert (records.step_run(step).fraction, records.step_run(step).note) == (1.0, "epoch 4 of 4")

    records.retry_steps(lease, [(step, "ValueError: no", 2.5)])
    retrying = records.step_run(step)
    assert (retrying.state, retrying.error, retrying.reason) == ("retrying", "ValueError: no", "tried again in 2.5 s")

    records.restart_steps(lease, [step])
    again = records.step_run(step)
    assert (again.state, again.tries, again.fraction, again.note) == ("running", 2, None, "")

    clock.forward(3)
    records.finish_steps(lease, [Ending(step, "failed", "gave up", "ValueError: no", tries=2)])
    ended = records.step_run(step)
    assert (ended.state, ended.reason, ended.error, ended.ended) == ("failed", "gave up", "ValueError: no", clock.time)


def test_a_step_ends_once_and_changes_no_more(records: Records, lease: Lease, step: int):
    records.finish_steps(lease, [Ending(step, "completed", outputs=(output(),))])
    records.progress_steps(lease, [(step, 0.1, "late")])

    for change in (
        lambda: records.finish_steps(lease, [Ending(step, "failed", outputs=(output("other"),))]),
        lambda: records.retry_steps(lease, [(step, "error", 1)]),
        lambda: records.restart_steps(lease, [step]),
    ):
        with pytest.raises(AlreadyEnded, match="flow/train has already ended: completed"):
            change()
    assert (records.step_run(step).state, records.step_run(step).fraction) == ("completed", None)
    assert [name for _, name, _ in records.outputs(lease.run)] == ["model"]


def test_a_batch_is_recorded_whole_or_not_at_all(records: Records, lease: Lease, step: int):
    other = one(records, lease, path="flow/other").step_run
    batch = [Ending(other, "completed", outputs=(output(),)), Ending(step, "completed", outputs=(output(),))]
    records.finish_steps(lease, [Ending(step, "cancelled")])

    with pytest.raises(AlreadyEnded):
        records.finish_steps(lease, batch)
    with pytest.raises(UnknownRecord, match=f"there is no step run 99 in run {lease.run}"):
        records.finish_steps(lease, [batch[0], Ending(99, "completed")])
    with pytest.raises(UnknownRecord, match="made from an artifact that the records do not hold: 98, 99"):
        records.finish_steps(lease, [Ending(other, "completed", outputs=(output(),), made_from=(99, 98))])
    with pytest.raises(NotStorable):
        begin(records, lease, Begin("flow/fine", "fine"), Begin("flow/bad", "bad", settings={"a": object()}))
    assert records.step_run(other).state == "running" and records.outputs(lease.run) == []
    assert len(records.step_runs(lease.run)) == 2


def test_a_runner_ends_only_the_steps_of_its_own_run(records: Records, lease: Lease, step: int):
    other = records.start_run("other", {}, "{}", "local").lease

    for change in (
        lambda: records.finish_steps(other, [Ending(step, "completed")]),
        lambda: records.retry_steps(other, [(step, "error", 1)]),
    ):
        with pytest.raises(UnknownRecord, match=f"there is no step run {step} in run {other.run}"):
            change()
    assert records.step_run(step).state == "running"


def test_what_a_step_made_is_found_under_its_key_in_every_run(records: Records, lease: Lease, step: int):
    (made,) = records.finish_steps(lease, [Ending(step, "completed", outputs=(output("a"), output("b", b"2")))])
    other = records.start_run("flow", {}, "{}", "local").lease
    found = one(records, other, key=KEY)

    assert isinstance(found, Found) and found.committed == made and list(made) == ["a", "b"]
    assert (found.committed.run, found.committed.step_run) == (lease.run, step)
    skipped = records.step_run(found.step_run)
    assert (skipped.state, skipped.tries, skipped.key, skipped.ended) == ("skipped", 0, KEY, skipped.started)
    assert skipped.reason == f"same code, settings and inputs as run {lease.run}"
    assert records.outputs(other.run) == [(found.step_run, name, artifact) for name, artifact in made.items()]


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_only_completed_steps_are_reused(records: Records, lease: Lease, step: int, state: Any):
    records.finish_steps(lease, [Ending(step, state, outputs=(output(),))])

    assert isinstance(one(records, lease, key=KEY), Begun)
    assert records.commits(KEY) == []
    assert [name for _, name, _ in records.outputs(lease.run)] == ["model"]


def test_what_has_no_key_is_never_reused(records: Records, lease: Lease):
    first = one(records, lease)
    records.finish_steps(lease, [Ending(first.step_run, "completed", outputs=(output(),))])

    assert isinstance(one(records, lease), Begun)


def test_the_newest_outputs_whose_bytes_are_there_are_reused(records: Records, lease: Lease):
    made = []
    for number in range(3):
        begun = one(records, lease, key=KEY, fresh=True)
        blob = NewOutput("model", "text", digest_bytes(b"%d" % number), 9999, {}, None)
        made += records.finish_steps(lease, [Ending(begun.step_run, "completed", outputs=(blob,))])
    lost = {made[2]["model"].digest}

    def exists(artifact: Any) -> bool:
        return artifact.digest not in lost

    (found,) = records.begin_steps(lease, [Begin("flow/train", "train", key=KEY)], exists)
    assert isinstance(found, Found) and found.committed == made[1]
    lost |= {made[0]["model"].digest, made[1]["model"].digest}
    assert isinstance(records.begin_steps(lease, [Begin("flow/train", "train", key=KEY)], exists)[0], Begun)


def test_a_running_step_claims_its_key(records: Records, lease: Lease, step: int):
    other = records.start_run("flow", {}, "{}", "local").lease

    assert one(records, lease, key=KEY) == one(records, other, key=KEY) == Elsewhere(lease.run)
    assert one(records, other, key=KEY, fresh=True) == Elsewhere(lease.run)
    records.retry_steps(lease, [(step, "error", 1)])
    assert one(records, other, key=KEY) == Elsewhere(lease.run)
    records.finish_steps(lease, [Ending(step, "failed")])
    assert isinstance(one(records, other, key=KEY), Begun)
    assert len(records.step_runs(lease.run)) == len(records.step_runs(other.run)) == 1


def test_equal_calls_of_one_batch_are_made_once(records: Records, lease: Lease):
    keys = [digest_bytes(b"%d" % (number % 2)) for number in range(4)]
    answers = begin(records, lease, *(Begin("flow/a", "a", (("i", i),), key=key) for i, key in enumerate(keys)))

    assert answers == [Begun(1), Begun(2), Elsewhere(lease.run), Elsewhere(lease.run)]
    records.finish_steps(lease, [Ending(1, "completed"), Ending(2, "completed")])
    assert all(isinstance(one(records, lease, key=key), Found) for key in keys)


def test_the_claim_of_a_dead_run_is_free_and_the_run_stays_dead(records: Records, lease: Lease, step: int):
    other = records.start_run("flow", {}, "{}", "local").lease
    kill(records, lease.run)

    assert isinstance(one(records, other, key=KEY), Begun)
    assert records.step_run(step).reason.startswith("its process died")
    with pytest.raises(AlreadyEnded, match="has already ended: failed"):
        records.finish_steps(lease, [Ending(step, "completed", outputs=(output(),))])
    assert one(records, records.take_over(lease.run).lease, key=KEY) == Elsewhere(other.run)


def test_what_is_begun_fresh_reuses_nothing(records: Records, lease: Lease, step: int):
    records.finish_steps(lease, [Ending(step, "completed", outputs=(output(raw=b"old"),))])
    again = one(records, lease, key=KEY, fresh=True)
    records.finish_steps(lease, [Ending(again.step_run, "completed", outputs=(output(raw=b"new"),))])

    found = one(records, lease, key=KEY)
    assert isinstance(found, Found) and found.committed["model"].digest == digest_bytes(b"new")


def test_steps_that_do_not_start_are_recorded_as_cancelled(records: Records, lease: Lease):
    records.cancel_steps(lease, [("flow/b", "b", (("m", {"rank": 1}),), (1,), "flow/a failed")])
    records.cancel_steps(lease, [])

    (cancelled,) = records.step_runs(lease.run)
    assert (cancelled.state, cancelled.reason, cancelled.key) == ("cancelled", "flow/a failed", None)
    assert cancelled.keys == (("m", {"rank": 1}),) and cancelled.ended is not None and cancelled.tries == 0


def test_a_run_knows_what_it_has_behind_it(records: Records, lease: Lease, step: int):
    (made,) = records.finish_steps(lease, [Ending(step, "completed", outputs=(output(),))])
    skipped = one(records, lease, key=KEY, path="flow/same").step_run
    failed = one(records, lease, path="flow/failed").step_run
    records.finish_steps(lease, [Ending(failed, "failed")])
    one(records, lease, path="flow/open")

    assert records.done(lease.run) == {
        ("flow/train", keys_json((("market", "US"),)), (1, 2)): Done(step, KEY, made),
        ("flow/same", "[]", ()): Done(skipped, KEY, made),
    }
    kill(records, lease.run)
    records.take_over(lease.run, again=["flow/train"])
    assert [done.step_run for done in records.done(lease.run).values()] == [skipped]
    assert [step_run for step_run, _, _ in records.outputs(lease.run)] == [skipped]


def test_steps_are_read_by_state_by_path_and_page_by_page(records: Records, lease: Lease):
    calls = [Begin(f"flow/{name}", name, (("i", i),)) for i in range(5) for name in ("fit", "score")]
    ids = [begun.step_run for begun in begin(records, lease, *calls)]
    records.finish_steps(lease, [Ending(ids[0], "failed"), Ending(ids[1], "completed")])

    def found(**chosen: Any) -> list[int]:
        return [step.id for step in records.step_runs(lease.run, **chosen)]

    assert found() == ids
    assert found(states=["failed", "completed"]) == ids[:2] and found(states=["held"]) == []
    assert found(path="flow/score") == found(path="score") == ids[1::2] and found(path="flow") == []
    assert found(after_id=ids[2], limit=3) == ids[3:6]
    assert found(path="fit", states=["running"], limit=2) == [ids[2], ids[4]]


def test_threads_may_use_the_records_at_once(records: Records, lease: Lease):
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                begun = one(records, lease, path=f"flow/{number}", key=digest_bytes(b"%d %d" % (number, turn)))
                records.progress_steps(lease, [(begun.step_run, 0.5, "")])
                records.step_run(begun.step_run)
                records.finish_steps(lease, [Ending(begun.step_run, "completed", outputs=(output(),))])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert [step.state for step in records.step_runs(lease.run)] == ["completed"] * 40
    assert sorted(artifact.id for _, _, artifact in records.outputs(lease.run)) == list(range(1, 41))


def test_rows_are_read_the_same_whoever_wrote_them(records: Records, lease: Lease, tmp_path: Path):
    keys = (("point", {"rank": 8, "alpha": 0.5}), ("day", None), ("names", ["a", "é\x00"]))
    begun = one(records, lease, keys=keys, settings={"path": tmp_path, "nan": math.nan, 3: True}, reason="\x00")

    read = records.step_run(begun.step_run)
    assert read.keys == keys and read.reason == "\N{REPLACEMENT CHARACTER}"
    assert read.settings["path"] == str(tmp_path) and math.isnan(read.settings["nan"]) and read.settings["3"] is True  # type: ignore[arg-type]
