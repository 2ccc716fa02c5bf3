"""The global two-tower model: all markets, one vocabulary."""

from typing import Annotated

from pydantic import Field

from kaon.dsl import Resources, current_step, step

from .interactions import Interactions
from .two_tower import Schedule, TwoTower, train_tower, untrained

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


@step(output="tower", resources=Resources(cpus=1, memory="2GiB"))
def train_two_tower(
    train: Interactions,
    *,
    dim: Positive = 64,
    epochs: Positive = 4,
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3,
    batch_size: Positive = 512,
    temperature: Annotated[float, Field(gt=0)] = 0.2,
    uniform_negatives: Positive = 256,
    weight_decay: Annotated[float, Field(ge=0)] = 0.01,
    dropout: Share = 0.1,
    seed: int = 0,
    attempt: int = 1,
) -> TwoTower:
    """Return a user tower and an item tower trained on every market.

    dim: length of the vectors.
    learning_rate: of AdamW at the start; it falls to zero along a half cosine.
    batch_size: pairs of one market; each pair's item is a negative of all others.
    temperature: divides inner products in training; the lower, the sharper.
    uniform_negatives: items drawn uniformly from the market for each batch, so that rare ones are negatives too.
    weight_decay: of AdamW.
    dropout: share of the pooled history's entries dropped in training.
    seed: of the first weights and of the batches; attempt n uses seed + n - 1.
    """
    reporting = current_step()
    number = seed + attempt - 1
    schedule = Schedule(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        temperature=temperature,
        uniform_negatives=uniform_negatives,
        weight_decay=weight_decay,
        dropout=dropout,
        seed=number,
    )

    def report(epoch: int, loss: float) -> None:
        reporting.progress(epoch / epochs, f"epoch {epoch} of {epochs}")
        reporting.metrics({"loss": loss}, at=epoch)

    tower = untrained(sorted(train["item_id"].unique()), sorted(train["market"].unique()), dim, number)
    return train_tower(tower, train, schedule, report)
