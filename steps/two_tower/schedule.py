"""How long and how to train, and on which device."""

from dataclasses import dataclass
from typing import Literal

import torch

Device = Literal["auto", "cpu", "cuda"]
"""`auto` is the GPU where torch finds one, else the CPU."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how to train."""

    epochs: int
    batch_size: int
    learning_rate: float
    """Of AdamW at the start; it falls to zero along a half cosine."""
    temperature: float
    """Divides inner products in training: the lower, the sharper; serving never divides."""
    uniform_negatives: int
    """Items drawn uniformly from the market, for each batch, so that rare items are negatives too."""
    weight_decay: float
    dropout: float
    """Share of the pooled vector's entries that are dropped in training."""
    seed: int
    id_dropout: float = 0.0
    """Share of the items of a batch that have to do without their id."""
    context_dropout: float = 0.0
    """Share of the values of the context that are taken as unknown."""
    history_limit: int = 0
    """A longer history is so many of its items, drawn anew for each example; 0 takes all of every history."""
    patience: int = 0
    """Epochs without a better judgement after which training stops; 0 trains them all and takes the last."""
    device: Device = "cpu"


class NoSuchDevice(ValueError):
    """The device that was asked for is not here."""


def device_of(wanted: Device) -> torch.device:
    """Return the device to train on.

    On the CPU the same seed gives the same bits; a GPU adds in another order, and agrees to rounding.
    Raises NoSuchDevice for cuda where torch finds no GPU.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise NoSuchDevice(
            f"device is 'cuda', and torch {torch.__version__} finds no GPU here: "
            "choose 'cpu' or 'auto', or install the CUDA build of torch on a machine that has one"
        )
    return torch.device("cuda" if there and wanted != "cpu" else "cpu")
