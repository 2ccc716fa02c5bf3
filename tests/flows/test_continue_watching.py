"""The shipped workflow of the continue-watching row, run for real on few sessions."""

from kaon.artifacts import open_store
from kaon.dsl.backends import run
from kaon.flows.continue_watching import continue_watching

FEW = {"select_sessions.synthetic_events": 6000, "train_resume_ranker.rounds": 30, "train_continuation.rounds": 30}


def test_it_ranks_and_places_the_row_and_is_skipped_the_second_time() -> None:
    store = open_store("memory://")

    first = run(continue_watching, FEW, backend="local", store=store)
    second = run(continue_watching, FEW, backend="local", store=store)

    assert first["resume_metrics"]["precision@1.gain"] > 0
    assert first["continuation_metrics"]["auc.gain.low"] > 0
    assert first["reliability"]["sessions"].sum() == first["continuation_metrics"]["sessions"]
    assert set(first["row_positions"]["position"]) == {1, 2, 3, 4}
    assert first["source"] == "synthetic: 6,000 made-up sessions, seed 0"
    assert first["reliability_figure"].to_dict()["title"]["subtitle"] == first["source"]
    assert second.artifact("row_positions").id == first.artifact("row_positions").id
