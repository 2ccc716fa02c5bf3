"""PyTorch modules as safetensors, with the class and config that rebuild them. No pickle."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import NotStorable, WrongType
from ..json_form import Json, canonical_json, json_form
from .annotations import is_a, is_anything, refused, type_name, unreadable

if TYPE_CHECKING:
    from torch import nn

KEY = "kaon"
"""The one entry of the file's metadata: safetensors writes several in no fixed order."""


class TorchModuleKind:
    """A module whose `config` (a JSON mapping) gives it back: `type(module)(**module.config)`, then its weights.

    It comes back on the CPU and in evaluation mode; a step that trains it further calls `.train()`.
    """

    name = "torch_module"

    def accepts(self, annotation: object) -> bool:
        return is_a(annotation, "torch", "Module")

    def dump(self, value: nn.Module, to: BinaryIO) -> None:
        from safetensors.torch import save

        config = _config(value)
        made_by = {"class": f"{type(value).__module__}:{type(value).__qualname__}", "config": config}
        to.write(save(_tensors(value), metadata={KEY: canonical_json(made_by).decode()}))

    def load(self, source: BinaryIO, wanted: object) -> nn.Module:
        from safetensors.torch import load

        if not (is_anything(wanted) or self.accepts(wanted)):
            raise unreadable(self.name, wanted, "torch.nn.Module and the class that was stored")
        raw = source.read()
        made_by = _metadata(raw)
        kind = _class(made_by["class"], wanted)
        try:
            module: nn.Module = kind(**made_by["config"])
            _fill(module, load(raw))
        except (TypeError, RuntimeError) as error:
            raise WrongType(
                f"{made_by['class']} does not give the stored module back",
                why=f"its config is {made_by['config']}, and with that: {error}",
                fix="let config hold all that __init__ needs to build the same layers, or mend the class; the weights "
                "are still in the store",
            ) from error
        return module.eval()

    def summary(self, value: nn.Module) -> dict[str, Json]:
        return {
            "class": f"{type(value).__module__}:{type(value).__qualname__}",
            "parameters": sum(parameter.numel() for parameter in value.parameters()),
            "config": {name: part for name, part in _config(value).items() if not _is_long(part)},
        }


def _is_long(part: Json) -> bool:
    return isinstance(part, (str, list, dict)) and len(part) > 32


def _config(module: nn.Module) -> dict[str, Json]:
    if not is_a(type(module), "torch", "Module"):
        raise refused(module, "torch_module", "torch.nn.Module")
    config = getattr(module, "config", None)
    if not isinstance(config, Mapping):
        raise NotStorable(
            f"{type(module).__qualname__} has no config",
            why="a stored module is rebuilt by its class from `config`, a mapping of plain values",
            fix="keep the arguments of __init__: self.config = {'dim': dim, …}, so that cls(**config) gives the module",
        )
    form = json_form(config, "config")
    assert isinstance(form, dict)
    return form


def _fill(module: nn.Module, tensors: Mapping[str, Any]) -> None:
    """Give the module the stored tensors, in the types in which they were stored: a fresh one is float32 throughout."""
    for name, own in module.state_dict(keep_vars=True).items():
        if name in tensors and own.dtype != tensors[name].dtype:
            own.data = own.data.to(tensors[name].dtype)
    module.load_state_dict(tensors, strict=True)


def _tensors(module: nn.Module) -> dict[str, Any]:
    """Return copies of the module's tensors on the CPU, each with memory of its own. Raises NotStorable."""
    import torch

    tensors = {}
    for name, tensor in module.state_dict().items():
        if not isinstance(tensor, torch.Tensor):
            raise NotStorable(
                f"the state {name!r} of {type(module).__qualname__} is a {type_name(type(tensor))}",
                why="only tensors are stored",
                fix="keep it in config, or register it as a buffer",
            )
        try:
            tensors[name] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        except (NotImplementedError, RuntimeError, ValueError) as error:
            raise NotStorable(
                f"the state {name!r} of {type(module).__qualname__} cannot be stored",
                why=str(error).partition("\n")[0],
                fix="give it values first (a meta or lazy module has none), or keep it as a dense tensor",
            ) from error
    return tensors


def _metadata(raw: bytes) -> dict[str, Any]:
    """Return what the header of a safetensors file says of the module: its first 8 bytes are the header's length."""
    length = int.from_bytes(raw[:8], "little")
    found: dict[str, Any] = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"][KEY])
    return found


def _class(place: str, wanted: object) -> Any:
    """Return the module's class: the one asked for where it has that name, else the one that was stored."""
    module, _, qualname = place.partition(":")
    if getattr(wanted, "__qualname__", None) == qualname:
        return wanted
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise WrongType(
            f"the class {place} of the stored module is not to be found",
            why=f"{type(error).__name__}: {error}",
            fix="define it at the top of a module that can be imported, and annotate the input with it",
        ) from error
    if not is_a(found, "torch", "Module") or (isinstance(wanted, type) and not issubclass(found, wanted)):
        raise WrongType(
            f"the stored module is a {place}, not a {type_name(wanted)}",
            why="the output was annotated with another class than the input",
            fix=f"annotate the input with {qualname}",
        )
    return found
