"""One market's own towers: trained on it alone, and the global one trained further on it."""

from typing import Annotated, NamedTuple

from pydantic import Field

from kaon.dsl import Resources, current_step, step

from .interactions import Interactions, in_market
from .two_tower import Schedule, TwoTower, train_tower, untrained

Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class MarketTowers(NamedTuple):
    """Both know the market's items only."""

    local_tower: TwoTower
    fine_tuned_tower: TwoTower


@step(resources=Resources(cpus=1, memory="1GiB"))
def fine_tune(
    train: Interactions,
    tower: TwoTower,
    market: str,
    *,
    local_epochs: Positive = 5,
    local_learning_rate: Rate = 3e-3,
    epochs: Positive = 1,
    learning_rate: Rate = 1e-3,
    batch_size: Positive = 512,
    temperature: Rate = 0.2,
    uniform_negatives: Positive = 256,
    weight_decay: Annotated[float, Field(ge=0)] = 0.01,
    dropout: Share = 0.1,
    seed: int = 0,
    attempt: int = 1,
) -> MarketTowers:
    """Return two towers of one market: one that starts from random weights, one that starts from the global tower.

    local_epochs, local_learning_rate: of the tower that starts from random weights.
    epochs, learning_rate: of the tower that starts from the global one; fewer and lower, or it forgets.
    batch_size, temperature, uniform_negatives, weight_decay, dropout: of both, as in train_two_tower.
    seed: attempt n uses seed + n - 1.
    """
    mine = in_market(train, market)
    items = sorted(mine["item_id"].unique())
    number = seed + attempt - 1
    reporting = current_step()
    total = local_epochs + epochs

    def schedule(rounds: int, rate: float) -> Schedule:
        return Schedule(
            epochs=rounds,
            batch_size=batch_size,
            learning_rate=rate,
            temperature=temperature,
            uniform_negatives=uniform_negatives,
            weight_decay=weight_decay,
            dropout=dropout,
            seed=number,
        )

    def report_local(epoch: int, loss: float) -> None:
        reporting.progress(epoch / total, f"{market}: local, epoch {epoch} of {local_epochs}")
        reporting.metrics({"local_loss": loss}, at=epoch)

    def report_warm(epoch: int, loss: float) -> None:
        reporting.progress((local_epochs + epoch) / total, f"{market}: fine-tuned, epoch {epoch} of {epochs}")
        reporting.metrics({"fine_tuned_loss": loss}, at=epoch)

    start = untrained(items, [market], tower.dim, number)
    local = train_tower(start, mine, schedule(local_epochs, local_learning_rate), report_local)
    warm = train_tower(tower.narrowed(items, [market]), mine, schedule(epochs, learning_rate), report_warm)
    return MarketTowers(local, warm)
