"""What a training leaves behind after each epoch, so that the same training goes on from there after it was killed."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from kaon.artifacts import Digest, Json, digest_value

from .examples import Examples
from .model import TwoTower
from .schedule import Schedule

FORMAT = 1
"""Raised whenever what is kept would be misread."""

KEY = "kaon"
"""The one entry of the file's metadata."""


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """The state of a training between two epochs."""

    tensors: Mapping[str, Tensor]
    numbers: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The latest state of one training, in a file.

    No pickle: safetensors, with what is no tensor as JSON in its header.
    """

    path: Path

    def write(self, saved: Saved) -> None:
        """Replace the state, whole or not at all, whenever the process is killed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(f".partial-{os.getpid()}")
        with partial.open("wb") as file:
            file.write(save(dict(saved.tensors), metadata={KEY: json.dumps(saved.numbers)}))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)

    def read(self) -> Saved | None:
        """Return the state; None where there is none, or none that can be read: then training begins anew."""
        try:
            with safe_open(self.path, "pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                return Saved(tensors, json.loads(file.metadata()[KEY]))
        except (FileNotFoundError, SafetensorError):
            return None

    def remove(self) -> None:
        """Forget the training, which is finished, and what killed processes began to write of it."""
        for path in self.path.parent.glob(f"{self.path.stem}.*"):
            path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """A folder with a file for each training that has not finished."""

    folder: Path

    def of(self, key: Digest) -> Checkpoint:
        """Return where the training of that key keeps its state."""
        return Checkpoint(self.folder / f"{key.removeprefix('sha256:')}.safetensors")


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
