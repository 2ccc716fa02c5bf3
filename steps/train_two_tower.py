"""The global two-tower model: all markets, one vocabulary."""

from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from kaon.dsl import Resources, current_step, step

from .datasets.catalogue import Catalogue
from .full_ranking import concatenated, questions, ranks_by_tower
from .held_out import held_out
from .interactions import CONTEXT, Interactions
from .ranking import ndcg_at
from .two_tower import Device, Epoch, Schedule, TwoTower, fit, untrained

Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class TrainedTower(NamedTuple):
    """The tower of the best epoch, and the way there."""

    tower: TwoTower
    tower_curve: pd.DataFrame
    """One row an epoch: epoch, loss, learning_rate, judged (nDCG@10 of the held-out pairs, or NaN), weights (the digest
    of what its checkpoint held), best."""


@step(resources=Resources(cpus=1, memory="2GiB"))
def train_two_tower(
    train: Interactions,
    catalogue: Catalogue | None = None,
    *,
    dim: Positive = 64,
    epochs: Positive = 4,
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3,
    batch_size: Positive = 512,
    temperature: Annotated[float, Field(gt=0)] = 0.2,
    uniform_negatives: Positive = 256,
    weight_decay: Annotated[float, Field(ge=0)] = 0.01,
    dropout: Share = 0.1,
    id_dropout: Share = 0.3,
    minimum_items: Positive = 2,
    context: tuple[str, ...] = CONTEXT,
    context_dropout: Share = 0.2,
    history_limit: Count = 0,
    patience: Count = 0,
    validation: Share = 0.05,
    device: Device = "auto",
    seed: int = 0,
    attempt: int = 1,
) -> TrainedTower:
    """Return a user tower and an item tower trained on every market, and the curve of their training.

    After each epoch the state of the training is kept as a checkpoint, an artifact of the run: a run that was killed
    goes on from there when it is started again, and makes the same weights.

    catalogue: what the items are, if something is known of them; a new item then has a vector by its content alone.
    dim: length of the vectors.
    epochs: at most; see patience.
    learning_rate: of AdamW at the start; it falls to zero along a half cosine.
    batch_size: pairs of one market; each pair's item is a negative of all others.
    temperature: divides inner products in training; the lower, the sharper.
    uniform_negatives: items drawn uniformly from the market for each batch, so that rare ones are negatives too.
    weight_decay: of AdamW.
    dropout: share of the pooled history's entries dropped in training.
    id_dropout: share of a batch's items that do without their id, where there is content, so that content suffices.
    minimum_items: tokens of the content that fewer items have are left out.
    context: columns of the interactions that say in which situation the item was met, where there are such.
    context_dropout: share of their values that is taken as unknown, as all are where serving does not tell them.
    history_limit: a longer history is so many of its items, drawn anew for each example; 0 takes all.
    patience: epochs without a better nDCG@10 on the held-out pairs after which training stops; the tower is the best
        epoch's. 0 trains all epochs on all pairs and takes the last.
    validation: share of the pairs that early stopping judges by, and that is not trained on; unused without patience.
    device: auto (a GPU where there is one), cpu or cuda; on the CPU the same seed gives the same bits.
    seed: of the first weights and of the batches; attempt n uses seed + n - 1.
    """
    reporting = current_step()
    number = seed + attempt - 1
    items, markets = sorted(train["item_id"].unique()), sorted(train["market"].unique())
    contexts = {name: sorted(train[name].unique()) for name in context if name in train}
    tower = untrained(items, markets, dim, number, contexts=contexts, content=catalogue, minimum_items=minimum_items)
    schedule = Schedule(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        temperature=temperature,
        uniform_negatives=uniform_negatives,
        weight_decay=weight_decay,
        dropout=dropout,
        seed=number,
        id_dropout=0.0 if tower.content is None else id_dropout,
        context_dropout=context_dropout,
        history_limit=history_limit,
        patience=patience,
        device=device,
    )
    taught, judged = _divided(train, validation if patience else 0.0, number)

    def report(epoch: Epoch) -> None:
        reporting.progress(epoch.epoch / epochs, f"epoch {epoch.epoch} of {epochs}")
        reporting.metrics(epoch.measured, at=epoch.epoch)

    asked = questions(taught, judged)

    def judge(candidate: TwoTower) -> float:
        return float(np.mean(ndcg_at(10, concatenated([ranks_by_tower(one, candidate) for one in asked]))))

    fitted = fit(tower, taught, schedule, report, judge=judge if asked else None, within=reporting)
    if fitted.resumed_after:
        reporting.log(f"went on after epoch {fitted.resumed_after}, from the checkpoint of a training that was killed")
    return TrainedTower(fitted.tower, fitted.curve())


def _divided(train: Interactions, share: float, seed: int) -> tuple[Interactions, Interactions]:
    """Return the pairs that are trained on, and the share of them that is not."""
    held = held_out(train["user_id"] + " " + train["item_id"], share, seed)
    taught, judged = (Interactions(train[mask].reset_index(drop=True)) for mask in (~held, held))
    return taught, judged
