"""run(): settings, skipping, forcing, failures, and what the records say of a run."""

import gc
import logging
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from pydantic import BaseModel

from kaon.artifacts import Metrics, RunRecord, Store, StoreBusy, open_store
from kaon.dsl import SettingsError, current_step, for_each, step, when, workflow
from kaon.dsl.backends import RunFailed, run
from kaon.dsl.events import Event, ProgressEvent, RunEvent, State, StepEvent


@pytest.fixture
def store() -> Store:
    return open_store("memory://")


class Params(BaseModel):
    seed: int = 0


@step(output="drawn")
def draw(*, seed: int = 0, size: int = 2) -> list[int]:
    print(f"drawing {size}")
    logging.getLogger("lab").warning("low on ink")
    current_step().progress(0.5, "half way")
    current_step().metrics({"loss": 0.25}, at=3)
    return [seed + index for index in range(size)]


@step(output="score")
def score(drawn: list[int]) -> Metrics:
    return Metrics(mean=sum(drawn) / len(drawn))


@step(output="words")
def repeat_words() -> list[str]:
    return ["again", "again"]


@step(output="length")
def length(word: str) -> int:
    return len(word)


@step(output="read")
def read(*, folder: Path = Path()) -> str:
    return "".join(path.read_text() for path in sorted(folder.iterdir()))


def helper_that_fails() -> None:
    raise KeyError("deep inside")


@step(output="broken")
def fail_deep() -> int:
    helper_that_fails()
    return 0


lab = workflow("lab", draw >> score, params=Params)


def test_settings_are_addressed_by_step_and_parameters_by_name(store: Store) -> None:
    result = run(lab, {"draw.size": 3}, seed=5, store=store)

    assert result["drawn"] == [5, 6, 7]
    assert store.records.run(result.run_id).settings == {"seed": 5, "draw.size": 3}


def test_a_wrong_setting_is_refused_before_anything_is_recorded(store: Store) -> None:
    with pytest.raises(SettingsError, match=r"there is no setting 'draw\.sise'(?s:.)*did you mean 'draw\.size'\?"):
        run(lab, {"draw.sise": 3}, store=store)

    assert store.records.runs() == []


def test_a_changed_setting_runs_what_depends_on_it_and_skips_the_rest(store: Store) -> None:
    run(lab, {"draw.size": 2}, store=store)
    run(lab, {"draw.size": 3}, store=store)

    result = run(lab, {"draw.size": 2}, store=store)

    assert [(s.step, s.state, s.reason) for s in store.records.step_runs(result.run_id)] == [
        ("draw", "skipped", "same code, settings and inputs as run 1"),
        ("score", "skipped", "same code, settings and inputs as run 1"),
    ]


def test_a_forced_step_runs_again_and_equal_outputs_let_the_rest_be_skipped(store: Store) -> None:
    run(lab, store=store)

    result = run(lab, store=store, force=["draw"])

    states = {s.step: (s.state, s.reason) for s in store.records.step_runs(result.run_id)}
    assert states["draw"] == ("completed", "forced: --force draw")
    assert states["score"] == ("skipped", "same code, settings and inputs as run 1")


def test_forcing_an_unknown_step_is_refused(store: Store) -> None:
    with pytest.raises(SettingsError, match=r"there is no step 'drew' to force(?s:.)*did you mean 'draw'\?"):
        run(lab, store=store, force=["drew"])


def test_steps_are_skipped_across_workflows(store: Store) -> None:
    run(lab, store=store)

    result = run(workflow("other_lab", draw, params=Params), store=store)

    assert [s.state for s in store.records.step_runs(result.run_id)] == ["skipped"]


def test_a_path_setting_stands_for_the_contents_of_its_files(store: Store, tmp_path: Path) -> None:
    reading = workflow("reading", read)
    (tmp_path / "a.txt").write_text("one")
    run(reading, {"read.folder": tmp_path}, store=store)
    unchanged = run(reading, {"read.folder": tmp_path}, store=store)

    (tmp_path / "b.txt").write_text(" two")
    changed = run(reading, {"read.folder": tmp_path}, store=store)

    assert [s.state for s in store.records.step_runs(unchanged.run_id)] == ["skipped"]
    assert changed["read"] == "one two"


def test_a_failed_run_raises_every_failure_with_the_users_own_lines(store: Store) -> None:
    failing = workflow("failing", fail_deep)

    with pytest.raises(RunFailed) as caught:
        run(failing, store=store)

    text = str(caught.value)
    assert "run 1 of failing failed" in text
    assert "failing/fail_deep\n  KeyError: 'deep inside'" in text
    assert "in helper_that_fails" in text
    assert "in_process.py" not in text and "execution.py" not in text
    assert store.records.run(1).state == "failed"
    assert store.records.run(1).reason == "failing/fail_deep: KeyError: 'deep inside'"


def test_items_that_are_not_distinct_stop_the_loop_and_say_so(store: Store) -> None:
    twice = workflow("twice", repeat_words >> for_each(word="words").do(length))

    result = run(twice, store=store, raises=False)

    (failure,) = result.failures
    assert failure.path == "twice/for_each[word]"
    assert failure.cause == "'again' stands twice in the items of the loop, and they are its keys; make them distinct"


def test_what_a_step_prints_logs_and_tells_is_in_the_records(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])  # one of Prefect's may write where an earlier test captured

    result = run(lab, store=store)

    said = store.records.messages(result.run_id, "draw")
    assert [(m.kind, m.text) for m in said] == [
        ("log", "drawing 2"),
        ("log", "warning lab: low on ink"),
        ("progress", "half way"),
        ("metric", ""),
    ]
    assert said[2].payload == {"values": {"fraction": 0.5}}
    assert said[3].payload == {"values": {"loss": 0.25}, "at": 3}


def test_after_a_run_output_goes_where_it_went_before(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout

    run(lab, store=store)
    print("outside")

    assert sys.stdout is before
    assert capsys.readouterr().out == "outside\n"


def test_events_tell_a_live_display_what_happens(store: Store) -> None:
    events: list[Event] = []

    run(lab, store=store, on_event=events.append)

    assert [_brief(event) for event in events] == [
        ("run", "running"),
        ("draw", "running"),
        ("draw", 0.5, "half way"),
        ("draw", "completed"),
        ("score", "running"),
        ("score", "completed"),
        ("run", "completed"),
    ]


def test_a_tracker_hears_of_the_run_its_settings_its_metrics_and_its_end(store: Store) -> None:
    tracker = Remembering()

    result = run(lab, store=store, tracker=tracker)

    assert result.notes == ("the tracker ran out of paper",)
    assert tracker.heard == [
        ("start", "lab", {"seed": 0, "draw.size": 2}),
        ("metrics", {"draw.loss": 0.25}),
        ("metrics", {"score.mean": 0.5}),
        ("end", "completed"),
    ]


def test_an_interrupted_run_is_recorded_as_cancelled(store: Store) -> None:
    @step(output="interrupted")
    def interrupt() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(workflow("stopped", interrupt), store=store)

    assert (store.records.run(1).state, store.records.run(1).reason) == ("cancelled", "interrupted")
    assert [s.state for s in store.records.step_runs(1)] == ["cancelled"]


def test_an_output_of_another_type_than_declared_fails_the_step_and_names_it(store: Store) -> None:
    @step(output="wrong")
    def wrong() -> dict[str, int]:
        return {"a": "not a number"}  # type: ignore[dict-item]

    result = run(workflow("mistyped", wrong), store=store, raises=False)

    assert result.failures[0].path == "mistyped/wrong"
    cause = result.failures[0].cause
    assert cause.startswith(
        "OutputNotStored: the output 'wrong' cannot be stored: the JSON value is not a dict[str, int]"
    )
    assert result.failures[0].traceback == ""


def test_lineage_leads_from_a_loops_results_to_the_list_it_ran_over(store: Store) -> None:
    @step(output="names")
    def names() -> list[str]:
        return ["a", "bb"]

    @step(output="total")
    def total(length: Mapping[str, int]) -> int:
        return sum(length.values())

    result = run(workflow("lines", names >> for_each(word="names").do(length) >> total), store=store)

    lengths = result.artifacts("length")
    assert set(result.artifact("total").made_from) == {lengths["a"].id, lengths["bb"].id}
    assert lengths["a"].made_from == (result.artifact("names").id,)
    assert lengths["bb"].keys == (("word", "bb"),)


def test_a_run_says_that_it_is_alive_while_a_step_runs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kaon.dsl.backends.pulse.BEAT", 0.05)
    monkeypatch.setattr("kaon.dsl.backends.pulse.FLUSH", 0.05)
    seen: list[RunRecord] = []

    @step(output="rested")
    def rest() -> int:
        until = time.monotonic() + 60
        while (now := store.records.run(1)).heartbeat <= now.started and time.monotonic() < until:
            time.sleep(0.02)
        seen.append(now)
        return 1

    run(workflow("resting", rest), store=store)

    assert seen[0].state == "running"
    assert seen[0].heartbeat > seen[0].started


def test_what_steps_say_is_kept_while_the_records_are_busy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write, refusals = store.records.add_messages, iter([StoreBusy("the records are busy"), None])

    refused = threading.Event()

    def busy_at_first(*said: object) -> None:
        if refusal := next(refusals, None):
            refused.set()
            raise refusal
        write(*said)  # type: ignore[arg-type]

    monkeypatch.setattr(store.records, "add_messages", busy_at_first)
    monkeypatch.setattr("kaon.dsl.backends.pulse.FLUSH", 0.05)

    @step(output="spoken")
    def speak() -> int:
        current_step().log("first")
        assert refused.wait(60)
        current_step().log("second")
        return 1

    result = run(workflow("speaking", speak), store=store)

    assert [message.text for message in store.records.messages(result.run_id)] == ["first", "second"]


def test_a_store_that_cannot_be_asked_fails_the_step_and_names_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(lease: object, calls: object) -> None:
        raise StoreBusy("the records are busy")

    monkeypatch.setattr(store, "begin_steps", refuse)

    result = run(lab, store=store, raises=False)

    (failure,) = result.failures
    assert (failure.path, failure.cause) == ("lab/draw", "StoreBusy: the records are busy")
    assert store.records.run(result.run_id).state == "failed"


def test_a_value_comes_back_in_the_type_that_its_step_gave_it(store: Store) -> None:
    @step(output="frame")
    def make_frame() -> pd.DataFrame:
        return pd.DataFrame({"x": [1.25]})

    result = run(workflow("framing", for_each(word=["a"]).do(length) >> make_frame), store=store)

    assert result["frame"].round(1)["x"].tolist() == [1.2]
    assert result["length"] == {"a": 1}


def test_asking_a_result_for_what_it_has_not_says_what_it_has(store: Store) -> None:
    result = run(lab, store=store)

    with pytest.raises(KeyError, match="has no output 'scores'; did you mean 'score'"):
        result["scores"]


class Remembering:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def start(self, run: RunRecord, settings: Mapping[str, object]) -> None:
        self.heard.append(("start", run.workflow, dict(settings)))

    def metrics(self, values: Mapping[str, float]) -> None:
        self.heard.append(("metrics", dict(values)))

    def end(self, state: State) -> str:
        self.heard.append(("end", state))
        return "the tracker ran out of paper"


def _brief(event: Event) -> tuple[object, ...]:
    match event:
        case RunEvent():
            return ("run", event.state)
        case StepEvent():
            return (event.step, event.state)
        case ProgressEvent():
            return (event.step, event.fraction, event.note)


@step(output="wanted")
def decide(*, wanted: bool = True) -> bool:
    return wanted


@step(output="total")
def total(length: Mapping[str, int] | None) -> int:
    return -1 if length is None else sum(length.values())


@step(output="number")
def twice(number: int) -> int:
    return 2 * number


def test_what_a_loop_in_a_decision_hands_on_is_read_as_the_mapping_that_it_is(store):
    lengths = for_each(word=["to", "you"]).do(length)
    flow = workflow("deciding", decide >> when("wanted").do(lengths) >> total)

    taken, left = run(flow, store=store), run(flow, {"decide.wanted": False}, store=store)

    assert dict(taken["length"]) == {"to": 2, "you": 3}
    assert (taken["total"], left["total"]) == (5, -1)


def test_what_loops_of_both_ways_of_a_decision_hand_on_is_read_as_the_one_that_ran(store):
    lengths = for_each(word=["to"]).do(length)
    others = for_each(number=[7]).do(twice.rename(number="length"))
    flow = workflow("deciding", decide >> when("wanted").do(lengths).otherwise(others))

    taken, left = run(flow, store=store), run(flow, {"decide.wanted": False}, store=store)

    assert dict(taken["length"]) == {"to": 2}
    assert dict(left["length"]) == {7: 14}


@step(output="set_aside")
def count_set_aside() -> int:
    return gc.get_freeze_count()


def test_what_was_imported_before_a_run_is_no_garbage_while_it_goes_on(store):
    result = run(workflow("frozen", count_set_aside), store=store)

    assert result["set_aside"] > 1000
    assert gc.get_freeze_count() == 0


def test_what_the_caller_keeps_from_the_collector_is_kept_after_a_run(store):
    gc.freeze()
    kept = gc.get_freeze_count()
    run(workflow("frozen", count_set_aside), store=store)
    after = gc.get_freeze_count()
    gc.unfreeze()

    assert 0 < after <= kept
