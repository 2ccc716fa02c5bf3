"""How the towers are trained: where it stops, what it leaves behind, and that a killed training loses nothing."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.steps.retrieval_data import clubs, rows

from kaon.steps.interactions import Interactions
from kaon.steps.train_two_tower import TrainedTower, train_two_tower
from kaon.steps.two_tower import Checkpoints, Epoch, NoSuchDevice, Schedule, TwoTower, fit, untrained
from kaon.steps.two_tower.checkpoints import weights_digest
from kaon.steps.two_tower.examples import examples_of

SMALL = {"dim": 8, "batch_size": 32, "uniform_negatives": 8}
EPOCHS = 20
KILLED = f"""
import logging
logging.basicConfig(level="INFO")
from tests.steps.test_two_tower_training import world
from kaon.steps.train_two_tower import train_two_tower
train_two_tower(world(), epochs={EPOCHS}, **{SMALL})
"""


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


def test_a_training_that_was_killed_goes_on_and_makes_the_same_weights(kaon_home: Path, caplog):
    checkpoints = kaon_home / "checkpoints"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "KAON_HOME": str(kaon_home)},
    )
    next(line for line in child.stderr if f"epoch 3 of {EPOCHS}" in line)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert list(checkpoints.glob("*.safetensors"))

    with caplog.at_level(logging.INFO, "kaon.step"):
        resumed = train_two_tower(world(), epochs=EPOCHS, **SMALL)
    whole = train_two_tower(world(), epochs=EPOCHS, **SMALL)

    assert "from the checkpoint of a training that was killed" in caplog.text
    assert digest(resumed.tower) == digest(whole.tower)
    assert resumed.tower_curve.equals(whole.tower_curve)
    assert not list(checkpoints.iterdir())


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
def test_a_training_remembers_its_best_epoch_across_its_death(tmp_path, dies_after):
    """The judge likes the second epoch best, which the resumed training may not have trained itself."""
    plan, norms = schedule(epochs=6, patience=6), []

    def watch(tower: TwoTower) -> float:
        norms.append(float(tower.items.weight.detach().norm()))
        return 0.0

    def judge(tower: TwoTower) -> float:
        return -abs(float(tower.items.weight.detach().norm()) - norms[1])

    fit(start(), world(), plan, quiet, judge=watch)
    whole = fit(start(), world(), plan, quiet, judge=judge)
    with pytest.raises(Killed):
        fit(start(), world(), plan, dying_after(dies_after), judge=judge, checkpoints=Checkpoints(tmp_path))

    resumed = fit(start(), world(), plan, quiet, judge=judge, checkpoints=Checkpoints(tmp_path))

    assert resumed.resumed_after == dies_after
    assert resumed.best == whole.best == 2
    assert digest(resumed.tower) == digest(whole.tower)
    assert resumed.epochs == whole.epochs


@pytest.mark.parametrize("other", [{"seed": 1}, {"epochs": 5}, {"learning_rate": 0.02}])
def test_another_training_does_not_take_the_checkpoint(tmp_path, other):
    with pytest.raises(Killed):
        fit(start(), world(), schedule(), dying_after(1), checkpoints=Checkpoints(tmp_path))

    assert fit(start(), world(), schedule(**other), quiet, checkpoints=Checkpoints(tmp_path)).resumed_after == 0
    fewer = Interactions(world().iloc[1:])
    assert fit(start(), fewer, schedule(), quiet, checkpoints=Checkpoints(tmp_path)).resumed_after == 0
    assert fit(start(), world(), schedule(), quiet, checkpoints=Checkpoints(tmp_path)).resumed_after == 1


def test_checkpoints_change_nothing(tmp_path):
    with_checkpoints = fit(start(), world(), schedule(), quiet, checkpoints=Checkpoints(tmp_path))

    assert digest(with_checkpoints.tower) == digest(fit(start(), world(), schedule(), quiet).tower)


def test_a_checkpoint_that_cannot_be_read_is_passed_over(tmp_path):
    with pytest.raises(Killed):
        fit(start(), world(), schedule(), dying_after(1), checkpoints=Checkpoints(tmp_path))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:1000])

    assert fit(start(), world(), schedule(), quiet, checkpoints=Checkpoints(tmp_path)).resumed_after == 0


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
