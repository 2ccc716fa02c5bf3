"""The heart of the shipped workflow on a small world whose models are never stable: what is kept, and what is told."""

from collections.abc import Iterator

import pytest
from tests.steps.retrieval_data import clubs, together

from kaon.artifacts import Store, open_store
from kaon.dsl import for_each, repeat, step, workflow
from kaon.dsl.backends import Result, run
from kaon.steps.build_index import build_index
from kaon.steps.check_stability import check_stability
from kaon.steps.evaluate_als import evaluate_als
from kaon.steps.evaluate_market import evaluate_market
from kaon.steps.factorise_market import factorise_market
from kaon.steps.find_champion import find_champion
from kaon.steps.fine_tune import fine_tune
from kaon.steps.require_stable import require_stable
from kaon.steps.select_models import select_models
from kaon.steps.split_interactions import Split, split_interactions
from kaon.steps.train_als import train_als
from kaon.steps.train_two_tower import train_two_tower


@step
def make_slices() -> Split:
    return split_interactions(together([clubs(120, "ca"), clubs(110, "mx")]))


stages = workflow(
    "stages",
    [make_slices, find_champion]
    >> repeat(until="stable", at_most=3).do(
        [
            [train_als >> evaluate_als, train_two_tower]
            >> for_each(market="markets").do([fine_tune, factorise_market] >> evaluate_market),
            train_two_tower.with_(attempt=1001).rename(tower="twin_tower", tower_curve="twin_curve"),
        ]
        >> select_models
        >> check_stability,
        exhausted="continue",
    )
    >> require_stable
    >> build_index,
)

SETTINGS = {
    "train_als.engine": "implicit",
    "train_als.rank": 4,
    "train_two_tower.dim": 4,
    "train_two_tower.epochs": 1,
    "factorise_market.rank": 4,
    "fine_tune.local_rounds": 0,
    "fine_tune.rounds": 0,
    "check_stability.maximum_width": 0.0,
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> Iterator[tuple[Result, Store]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAON_HOME", str(tmp_path_factory.mktemp("home")))
        store = open_store("memory://")
        yield run(stages, SETTINGS, store=store, raises=False), store


def test_what_is_never_stable_fails_the_run_and_says_what_did_not_hold(ended):
    (failure,) = ended[0].failures

    assert ended[0].state == "failed"
    assert failure.path == "stages/require_stable"
    assert failure.cause.startswith("NeverStable: none of 3 attempts was stable, so nothing is published; the last one")
    assert "als.width = " in failure.cause and "must be at most 0: width of the interval of als" in failure.cause
    assert failure.cause.endswith("Take more users, or allow more: check_stability.maximum_width")
    assert "nothing of the name 'recommendations' was validated before" in failure.cause


def test_every_attempt_is_kept_and_nothing_after_them_runs(ended):
    result, store = ended

    steps = store.records.step_runs(result.run_id)

    judged = [(one.attempt, one.state) for one in steps if one.step == "check_stability"]
    assert judged == [((1,), "completed"), ((2,), "completed"), ((3,), "completed")]
    assert [one.state for one in steps if one.step == "build_index"] == ["cancelled"]
