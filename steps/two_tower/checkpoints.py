"""What a training leaves behind after each epoch, so that the same training goes on from there after it was killed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kaon.artifacts import Digest, Json, digest_value

from .examples import Examples
from .model import TwoTower
from .schedule import Schedule

FORMAT = 2
"""Raised whenever what is kept would be misread."""


class TrainingState(nn.Module):
    """The state of a training between two epochs, as an artifact: its tensors, and what is no tensor as its config."""

    def __init__(
        self, training: Digest, numbers: Mapping[str, Json], tensors: Mapping[str, Tensor] | None = None
    ) -> None:
        """training: the key of the training, since no other can go on from here."""
        super().__init__()
        self.config = {"training": training, "numbers": dict(numbers)}
        self.tensors = dict(tensors or {})

    @property
    def training_key(self) -> str:
        """Key of the training."""
        return str(self.config["training"])

    @property
    def numbers(self) -> Any:
        """What is no tensor."""
        return self.config["numbers"]

    def state_dict(self, *_: Any, **__: Any) -> dict[str, Any]:  # type: ignore[override]
        """Return the tensors, whose names need not be those of attributes."""
        return self.tensors

    def load_state_dict(self, state_dict: Mapping[str, Any], *_: Any, **__: Any) -> Any:
        """Take the tensors."""
        self.tensors = dict(state_dict)


def training_key(tower: TwoTower, examples: Examples, schedule: Schedule, device: str) -> Digest:
    """Return what two trainings share only if they make the same of the same tower, before it is trained."""
    return digest_value(
        {
            "format": FORMAT,
            "torch": str(torch.__version__),
            "code": _code(),
            "config": dict(tower.config),
            "weights": weights_digest(tower.state_dict()),
            "examples": examples,
            "schedule": schedule,
            "device": device,
        }
    )


def weights_digest(weights: Mapping[str, Tensor]) -> Digest:
    """Return the digest of named tensors: equal only if every bit is."""
    return digest_value({name: weight.detach().cpu().numpy() for name, weight in weights.items()})


def _code() -> Digest:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return digest_value({path.name: path.read_bytes() for path in files})
