"""How the towers are trained: where it stops, what it leaves behind, and that a killed training loses nothing."""

import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.steps.retrieval_data import clubs, rows

from kaon import open_store, run, step, workflow
from kaon.artifacts import Artifact, Store, kind_for
from kaon.dsl.context import Checkpoint, StepContext
from kaon.steps.interactions import Interactions
from kaon.steps.train_two_tower import TrainedTower, train_two_tower
from kaon.steps.two_tower import Epoch, NoSuchDevice, Schedule, TwoTower, fit, untrained
from kaon.steps.two_tower.checkpoints import TrainingState, weights_digest
from kaon.steps.two_tower.examples import examples_of

SMALL = {"dim": 8, "batch_size": 32, "uniform_negatives": 8}
EPOCHS = 20
KILLED = """
from kaon import open_store, run
from tests.steps.test_two_tower_training import SETTINGS, trained_in_clubs
run(trained_in_clubs, SETTINGS, store=open_store({store!r}))
"""


class Remembered:
    """Keeps checkpoints as the store does, in memory."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, dict[str, float], bytes]] = []

    def keep(self, name: str, checkpoint: Checkpoint[Any]) -> None:
        to = io.BytesIO()
        kind_for(TrainingState).dump(checkpoint.value, to)
        self.kept.append((checkpoint.at, dict(checkpoint.values), to.getvalue()))

    def last(self, name: str, wanted: Any) -> Any:
        if not self.kept:
            return None
        at, values, raw = self.kept[-1]
        return Checkpoint(kind_for(wanted).load(io.BytesIO(raw), wanted), at, values)


def within(remembered: Remembered) -> StepContext:
    return StepContext(checkpoints=remembered)


@cache
def world() -> Interactions:
    return clubs(300, "ca")


def schedule(**changes: object) -> Schedule:
    given = {"epochs": 4, "batch_size": 32, "learning_rate": 0.01, "temperature": 0.2, "uniform_negatives": 8}
    return Schedule(**{**given, "weight_decay": 0.01, "dropout": 0.1, "seed": 0, **changes})


def start() -> TwoTower:
    return untrained(sorted(world()["item_id"].unique()), ["ca"], 8, 0)


def digest(tower: TwoTower) -> str:
    return weights_digest(tower.state_dict())


@step(output="train")
def clubs_of_canada() -> Interactions:
    return world()


trained_in_clubs = workflow("trained_in_clubs", clubs_of_canada >> train_two_tower)
SETTINGS = {f"train_two_tower.{name}": value for name, value in {**SMALL, "epochs": EPOCHS}.items()}


def test_a_training_that_was_killed_goes_on_and_makes_the_same_weights(tmp_path):
    folder = tmp_path / "store"
    store = open_store(folder)
    child = subprocess.Popen([sys.executable, "-c", KILLED.format(store=str(folder))], cwd=Path(__file__).parents[2])
    while not (folder / "records.sqlite").exists() or len(kept(store)) < 3:
        assert child.poll() is None, "the training ended before it was killed"
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL

    resumed = run(trained_in_clubs, SETTINGS, store=store)
    whole = train_two_tower(world(), epochs=EPOCHS, **SMALL)

    texts = [message.text for message in store.records.messages(resumed.run_id)]
    assert any("from the checkpoint of a training that was killed" in text for text in texts)
    assert digest(resumed["tower"]) == digest(whole.tower)
    assert resumed["tower_curve"].equals(whole.tower_curve)
    first = kept(store)[-1]
    assert (first.kind, first.summary["at"], set(first.summary["measured"])) == (
        "torch_module",
        1,
        {"loss", "learning_rate"},
    )


def kept(store: Store) -> list[Artifact]:
    """Return the checkpoints of the store's runs, newest first."""
    return [one for record in store.records.runs() for one in store.records.checkpoints_of_run(record.id)]


class Killed(Exception):
    """Stands for the death of the process."""


def quiet(epoch: Epoch) -> None:
    pass


def dying_after(number: int) -> Callable[[Epoch], None]:
    def die(epoch: Epoch) -> None:
        if epoch.epoch == number:
            raise Killed

    return die


@pytest.mark.parametrize("dies_after", [1, 3, 5])
def test_a_training_remembers_its_best_epoch_across_its_death(dies_after):
    """The judge likes the second epoch best, which the resumed training may not have trained itself."""
    plan, norms, remembered = schedule(epochs=6, patience=6), [], Remembered()

    def watch(tower: TwoTower) -> float:
        norms.append(float(tower.items.weight.detach().norm()))
        return 0.0

    def judge(tower: TwoTower) -> float:
        return -abs(float(tower.items.weight.detach().norm()) - norms[1])

    fit(start(), world(), plan, quiet, judge=watch)
    whole = fit(start(), world(), plan, quiet, judge=judge)
    with pytest.raises(Killed):
        fit(start(), world(), plan, dying_after(dies_after), judge=judge, within=within(remembered))

    resumed = fit(start(), world(), plan, quiet, judge=judge, within=within(remembered))

    assert resumed.resumed_after == dies_after
    assert resumed.best == whole.best == 2
    assert digest(resumed.tower) == digest(whole.tower)
    assert resumed.epochs == whole.epochs


@pytest.mark.parametrize("other", [{"seed": 1}, {"epochs": 5}, {"learning_rate": 0.02}])
def test_another_training_does_not_take_the_checkpoint(other):
    remembered = Remembered()
    with pytest.raises(Killed):
        fit(start(), world(), schedule(), dying_after(1), within=within(remembered))

    left = remembered.kept[:]

    def resumed_after(train: Interactions, plan: Schedule) -> int:
        remembered.kept = left[:]
        return fit(start(), train, plan, quiet, within=within(remembered)).resumed_after

    assert resumed_after(world(), schedule(**other)) == 0
    assert resumed_after(Interactions(world().iloc[1:]), schedule()) == 0
    assert resumed_after(world(), schedule()) == 1


def test_checkpoints_change_nothing():
    with_checkpoints = fit(start(), world(), schedule(), quiet, within=within(Remembered()))

    assert digest(with_checkpoints.tower) == digest(fit(start(), world(), schedule(), quiet).tower)


def test_a_trained_tower_can_be_trained_further():
    once = fit(start(), world(), schedule(), quiet).tower
    before = digest(once)

    further = fit(once, world(), schedule(epochs=1), quiet)

    assert further.epochs[0].loss < fit(start(), world(), schedule(epochs=1), quiet).epochs[0].loss
    assert digest(once) == before


def stopped() -> TrainedTower:
    return train_two_tower(world(), epochs=40, patience=2, validation=0.2, learning_rate=0.05, **SMALL)


def test_training_stops_where_the_held_out_pairs_gain_no_more_and_takes_the_best_epoch():
    tower, curve = stopped()

    best = curve[curve["best"]].iloc[0]
    assert len(curve) == best["epoch"] + 2 < 40
    assert best["judged"] == curve["judged"].max() > 0.3
    assert best["weights"] == digest(tower)


def test_the_curve_has_a_row_an_epoch():
    curve = train_two_tower(world(), epochs=3, **SMALL).tower_curve

    assert curve.columns.tolist() == ["epoch", "loss", "learning_rate", "judged", "weights", "best"]
    assert curve["best"].tolist() == [False, False, True]
    assert curve["loss"].is_monotonic_decreasing
    assert curve["learning_rate"].iloc[-1] == pytest.approx(0.0)
    assert curve["judged"].isna().all()


def test_a_long_history_is_drawn_from_without_the_item_to_predict():
    frame = rows(*(("ann", f"item{n:02}") for n in range(30)), ("bob", "item00"), ("bob", "item01"))
    tower = untrained(sorted(frame["item_id"].unique()), ["ca"], 4, 0)
    examples = examples_of(frame, tower)

    flat, lengths = examples.drawn_histories_of(np.array([7, 31]), 5, np.random.default_rng(0))

    assert lengths.tolist() == [6, 2]
    assert flat[0] == 7
    assert 7 not in flat[1:6]
    assert flat[6:].tolist() == [0, 1]


def test_drawn_histories_are_uniform_over_the_others():
    frame = rows(*(("ann", f"item{n}") for n in range(6)))
    examples = examples_of(frame, untrained(sorted(frame["item_id"].unique()), ["ca"], 4, 0))

    flat, lengths = examples.drawn_histories_of(np.full(5000, 2), 3, np.random.default_rng(0))

    others = np.bincount(flat.reshape(-1, 4)[:, 1:].ravel(), minlength=6)
    assert set(lengths) == {4}
    assert others[2] == 0
    assert np.abs(others[[0, 1, 3, 4, 5]] / 3000 - 1).max() < 0.1


def test_a_limit_that_no_history_reaches_changes_nothing():
    limited, whole = (fit(start(), world(), schedule(history_limit=limit), quiet) for limit in (4, 0))

    assert digest(limited.tower) == digest(whole.tower)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said_to_be_missing():
    with pytest.raises(NoSuchDevice, match=r"'cuda', and torch .* finds no GPU here: choose 'cpu' or 'auto'"):
        train_two_tower(world(), device="cuda", epochs=1, **SMALL)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_learns_the_same_as_the_cpu():
    on_gpu, on_cpu = (train_two_tower(world(), device=device, epochs=2, **SMALL).tower for device in ("cuda", "cpu"))

    assert np.allclose(on_gpu.item_vectors(), on_cpu.item_vectors(), atol=1e-3)
