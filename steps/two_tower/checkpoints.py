"""What a training leaves behind after each epoch, so that the same training goes on from there after it was killed."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from kaon.artifacts import Digest, Json, digest_bytes, digest_value

FORMAT = 1
SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """The state of a training between two epochs."""

    tensors: Mapping[str, Tensor]
    numbers: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """A folder with the latest state of each unfinished training, one file each, by the key of the training.

    No pickle: safetensors, with what is no tensor as JSON in its header.
    """

    folder: Path

    def write(self, key: Digest, saved: Saved) -> None:
        """Replace the state of a training, whole or not at all, whenever the process is killed."""
        from safetensors.torch import save

        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(key)
        partial = path.with_suffix(f".partial-{os.getpid()}")
        raw = save(dict(saved.tensors), metadata={"kaon": json.dumps(saved.numbers)})
        with partial.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def read(self, key: Digest) -> Saved | None:
        """Return the state of a training, None for one that left none."""
        from safetensors import safe_open

        path = self._path(key)
        if not path.is_file():
            return None
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return Saved(tensors, json.loads(file.metadata()["kaon"]))

    def remove(self, key: Digest) -> None:
        """Forget a training that is finished, and what killed processes began to write of it."""
        for path in self.folder.glob(f"{self._path(key).stem}.*"):
            path.unlink(missing_ok=True)

    def _path(self, key: Digest) -> Path:
        return self.folder / f"{key.removeprefix('sha256:')}{SUFFIX}"


def training_key(weights: Digest, about: Mapping[str, Json], arrays: Mapping[str, bytes]) -> Digest:
    """Return what two trainings share only if they make the same of the same.

    weights: of the tower before it is trained; about: its config and the schedule; arrays: the examples.
    """
    return digest_value(
        {
            "format": FORMAT,
            "torch": torch.__version__,
            "code": _code(),
            "weights": weights,
            "about": dict(about),
            "arrays": {name: digest_bytes(raw) for name, raw in arrays.items()},
        }
    )


def weights_digest(tensors: Mapping[str, Tensor]) -> Digest:
    """Return the digest of named tensors: equal only if every bit is."""
    return digest_value(
        {name: [list(t.shape), digest_bytes(t.detach().cpu().numpy().tobytes())] for name, t in tensors.items()}
    )


def _code() -> Digest:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return digest_value({path.name: digest_bytes(path.read_bytes()) for path in files})
