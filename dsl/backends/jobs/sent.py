"""A step's function on its way to another Python, and what that one told when it ended."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import kaon.artifacts

from ..perform import Broken, StepCode
from .files import Filed, suffix_of

START = Path(__file__).with_name("start.py")
RESULT = "result.json"
KAON = str(Path(kaon.artifacts.__file__).resolve().parents[1])


@dataclass(frozen=True, slots=True)
class Sent:
    """What another Python needs to perform a step."""

    code: StepCode
    inputs: Mapping[str, Any]
    """As `Filed.to_json` describes them."""
    outputs: Mapping[str, str]
    """The file of each output, by the name that the function gives it."""
    tries: int
    run: int


def put_function(folder: Path, code: StepCode, inputs: Mapping[str, Filed], run: int, tries: int) -> None:
    """Write the function, what its inputs are, and what starts it into the folder of inputs."""
    import cloudpickle

    outputs = {
        made.returned_as: made.returned_as + suffix_of(annotation, made.kind, {}, made.returned_as)
        for made, annotation in zip(code.call.outputs, code.outputs, strict=True)
    }
    sent = Sent(code, {name: filed.to_json() for name, filed in inputs.items()}, outputs, tries, run)
    with _users_code_by_value():
        raw = cloudpickle.dumps(sent, protocol=5)
    (folder / "function.pickle").write_bytes(raw)
    (folder / "start.json").write_text(json.dumps({"python": sys.version_info[:2], "step": code.call.step}))
    (folder / "start.py").write_bytes(START.read_bytes())


def result_of(folder: Path) -> Broken | None:
    """Return why the function made nothing, or None if it ended well."""
    path = folder / "out" / RESULT
    if not path.exists():
        return Broken("PlaceError: the step's process ended well and left no result; does the step call os._exit?")
    told = json.loads(path.read_text())
    return Broken(told["cause"], told["traceback"]) if "cause" in told else None


@contextmanager
def _users_code_by_value() -> Iterator[None]:
    """Let what users wrote travel by value, as no other machine has it; what is installed is imported there."""
    import cloudpickle

    modules = [module for name, module in list(sys.modules.items()) if _is_users(name, module)]
    registered = [module for module in modules if module.__name__ not in cloudpickle.list_registry_pickle_by_value()]
    for module in registered:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in registered:
            cloudpickle.unregister_pickle_by_value(module)


def _is_users(name: str, module: Any) -> bool:
    if not isinstance(module, ModuleType) or name == "__main__" or module.__name__ != name:
        return False
    file = vars(module).get("__file__")
    if not isinstance(file, str) or "site-packages" in file or "dist-packages" in file:
        return False
    path = Path(file).resolve()
    return not path.is_relative_to(sys.base_prefix) and not path.is_relative_to(KAON)
