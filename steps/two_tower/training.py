"""Training of the towers: epochs of batches, the best one kept, and a checkpoint after each."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from kaon.artifacts import Digest
from kaon.dsl.context import StepContext

from ..datasets.catalogue import Catalogue
from ..interactions import Interactions
from .checkpoints import TrainingState, training_key, weights_digest
from .content import content_tower
from .examples import Examples, examples_of
from .loss import Chance, batch_count, batch_loss, batches
from .model import Contexts, TwoTower
from .schedule import Schedule, device_of

Report = Callable[[int, float], None]
"""Told after each epoch: its number (1, 2, …) and its mean loss."""

Judge = Callable[[TwoTower], float]
"""Says how good a tower is on what training does not see; the higher, the better."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is known after an epoch."""

    epoch: int
    """1, 2, …"""
    loss: float
    """Mean over its batches."""
    learning_rate: float
    """After its last batch."""
    judged: float | None
    """What the judge said, None without one."""
    weights: str
    """Digest of the tower's weights: what its checkpoint holds."""

    @property
    def measured(self) -> dict[str, float]:
        """What is to be told of it."""
        told = {"loss": self.loss, "learning_rate": self.learning_rate}
        return told if self.judged is None else {**told, "ndcg@10": self.judged}


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A trained tower, and how it came about."""

    tower: TwoTower
    epochs: tuple[Epoch, ...]
    best: int
    """The epoch whose weights the tower has."""
    resumed_after: int
    """The epoch from whose checkpoint training went on, 0 if it began anew."""

    def curve(self) -> pd.DataFrame:
        """Return the learning curve, one row an epoch; `judged` is NaN where nothing was judged."""
        rows = pd.DataFrame([asdict(epoch) for epoch in self.epochs])
        return rows.assign(judged=rows["judged"].astype("f8"), best=rows["epoch"] == self.best)


def untrained(
    item_ids: list[str],
    markets: list[str],
    dim: int,
    seed: int,
    *,
    contexts: Contexts | None = None,
    content: Catalogue | None = None,
    minimum_items: int = 2,
) -> TwoTower:
    """Return a tower with random tables, the same for the same seed.

    contexts: the values of each column of the context.
    content: what the items are; without, or without rows, they are their ids alone.
    minimum_items: tokens of fewer items are left out.
    """
    generator = torch.Generator().manual_seed(seed)
    described = None
    if content is not None and len(content):
        described = content_tower(item_ids, content, dim, minimum_items=minimum_items)
    tower = TwoTower(
        item_ids,
        markets,
        dim,
        contexts=contexts,
        vocabulary=described.vocabulary if described else (),
        entries=len(described.bag_tokens) if described else 0,
    )
    for table in (tower.history, tower.items):
        nn.init.normal_(table.weight, std=dim**-0.5, generator=generator)
    if described and tower.content:
        tower.content.load_state_dict(described.state_dict())
    return tower


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one core: branches that train side by side, and Spark, would fight over them otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def train_tower(tower: TwoTower, train: Interactions, schedule: Schedule, report: Report) -> TwoTower:
    """Return a trained copy of the tower; the same seed, tower and interactions give the same weights.

    train: items outside the tower's vocabulary are left out.
    """
    return fit(tower, train, schedule, lambda epoch: report(epoch.epoch, epoch.loss)).tower


@one_thread()
def fit(
    tower: TwoTower,
    train: Interactions,
    schedule: Schedule,
    report: Callable[[Epoch], None],
    *,
    judge: Judge | None = None,
    within: StepContext | None = None,
) -> Fitted:
    """Return a trained copy of the tower with its learning curve; it is on the CPU.

    report: told of each epoch, of those before a checkpoint as well.
    judge: decides when to stop and which epoch is the best, if the schedule has patience; the last one otherwise. It
        must say the same of the same tower.
    within: the step that keeps the state after each epoch but the last as its checkpoint. The same training goes on
        from there and gives the same weights as one that was not interrupted.
    """
    training = Training(tower, examples_of(train, tower), schedule)
    saved = within.last_checkpoint(TrainingState) if within else None
    if saved and saved.value.training_key == training.key:
        training.restore(saved.value)
    for epoch in training.epochs:
        report(epoch)
    resumed_after = len(training.epochs)
    while not training.ended:
        training.train_epoch(judge)
        ended = training.epochs[-1]
        if within and not training.ended:
            within.checkpoint(training.state(), at=ended.epoch, values=ended.measured)
        report(ended)
    return Fitted(training.finished(), tuple(training.epochs), training.best, resumed_after)


class Training:
    """A training between two epochs: all that the next epoch depends on."""

    def __init__(self, tower: TwoTower, examples: Examples, schedule: Schedule) -> None:
        self.schedule = schedule
        self.epochs: list[Epoch] = []
        self.best = 0
        self._start = tower
        self._examples = examples
        self._device = device_of(schedule.device)
        self._tower = copy.deepcopy(tower).requires_grad_(True).to(self._device)
        self._best_weights: dict[str, Tensor] = {}
        self._chance = Chance(np.random.default_rng(schedule.seed), torch.Generator().manual_seed(schedule.seed))
        self._optimizer = torch.optim.AdamW(
            self._tower.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
        )
        steps = schedule.epochs * batch_count(examples, schedule.batch_size)
        self._falling = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimizer, max(1, steps))

    @property
    def key(self) -> Digest:
        """Digest of all that decides the weights in the end."""
        return training_key(self._start, self._examples, self.schedule, self._device.type)

    @property
    def ended(self) -> bool:
        """Whether all epochs are done, or the last ones brought nothing."""
        patience, done = self.schedule.patience, len(self.epochs)
        return done >= self.schedule.epochs or (patience > 0 and done - self.best >= patience)

    def train_epoch(self, judge: Judge | None) -> None:
        """Train one more epoch and judge it."""
        losses = []
        for batch in batches(self._examples, self.schedule.batch_size, self._chance.draws):
            loss = batch_loss(self._tower, self._examples, batch, self.schedule, self._chance)
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._falling.step()
            losses.append(loss.item())
        weights = self._weights()
        judged = judge(self._tower) if judge else None
        best = max((one.judged for one in self.epochs if one.judged is not None), default=-np.inf)
        number = len(self.epochs) + 1
        rate = self._falling.get_last_lr()[0]
        self.epochs.append(Epoch(number, float(np.mean(losses)), float(rate), judged, weights_digest(weights)))
        if not self.schedule.patience or judged is None or judged > best:
            self.best = number
            self._best_weights = _copied(weights) if self.schedule.patience else {}

    def finished(self) -> TwoTower:
        """Return the best tower, on the CPU and not to be trained."""
        trained = self._tower.cpu()
        if self._best_weights:
            trained.load_state_dict(self._best_weights)
        return trained.requires_grad_(False)

    def state(self) -> TrainingState:
        """Return all that `restore` needs."""
        optimizer = self._optimizer.state_dict()
        tensors = {f"tower/{name}": weight for name, weight in self._weights().items()}
        tensors |= {f"best/{name}": weight for name, weight in self._best_weights.items()}
        tensors |= {
            f"optimizer/{number}/{name}": value.cpu()
            for number, values in optimizer["state"].items()
            for name, value in values.items()
        }
        tensors["noise"] = self._chance.noise.get_state()
        numbers = {
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "best": self.best,
            "falling": self._falling.state_dict(),
            "groups": optimizer["param_groups"],
            "draws": self._chance.draws.bit_generator.state,
        }
        return TrainingState(self.key, numbers, tensors)

    def restore(self, saved: TrainingState) -> None:
        """Go back to a state."""
        numbers = saved.numbers
        of: dict[str, dict[str, Tensor]] = {"tower": {}, "best": {}, "optimizer": {}, "noise": {}}
        for name, tensor in saved.tensors.items():
            part, _, rest = name.partition("/")
            of[part][rest] = tensor
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in of["optimizer"].items():
            number, _, moment = name.partition("/")
            moments.setdefault(int(number), {})[moment] = tensor
        self._tower.load_state_dict(of["tower"])
        self._best_weights = of["best"]
        self._optimizer.load_state_dict({"state": moments, "param_groups": numbers["groups"]})
        self._falling.load_state_dict(numbers["falling"])
        self._chance.draws.bit_generator.state = numbers["draws"]
        self._chance.noise.set_state(of["noise"][""])
        self.epochs = [Epoch(**epoch) for epoch in numbers["epochs"]]
        self.best = int(numbers["best"])

    def _weights(self) -> dict[str, Tensor]:
        return {name: weight.detach().cpu() for name, weight in self._tower.state_dict().items()}


def _copied(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in weights.items()}
