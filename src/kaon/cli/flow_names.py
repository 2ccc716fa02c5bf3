"""FLOW on the command line: a shipped workflow's name, `file.py:name` or `module:name`."""

import importlib
import importlib.util
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .refusals import CallError

if TYPE_CHECKING:
    from kaon.dsl import Workflow

PACKAGE = str(Path(__file__).parents[1])


def shipped() -> tuple[str, ...]:
    """Return the names of the workflows that come with Kaon."""
    import kaon.flows

    return tuple(sorted(found.name for found in pkgutil.iter_modules(kaon.flows.__path__) if found.name[0] != "_"))


def find_workflow(name: str) -> "Workflow":
    """Return the workflow that FLOW names.

    The working directory is put on `sys.path`, so that a project's own packages are found.
    Raises CallError if there is none of the name, and WorkflowError if it cannot be built.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    place, _, attribute = name.rpartition(":") if ":" in name else (name, "", "")
    if place.endswith(".py") or os.sep in place:
        return _workflow_in(_file(Path(place), name), attribute, place)
    if ":" in name:
        return _workflow_in(_module(place), attribute, place)
    if name in shipped():
        return _workflow_in(_module(f"kaon.flows.{name}"), name, f"kaon.flows.{name}")
    raise CallError(
        f"there is no workflow {name!r}",
        why=f"the shipped ones are: {', '.join(shipped()) or 'none'}",
        fix=_nearest(name, shipped()) or "give one of them, or your own as file.py:name or module:name",
    )


def lasting_name(flow: str) -> str:
    """Return FLOW so that it names the same workflow later: the path of a file made absolute.

    >>> lasting_name("recommendations"), lasting_name("/jobs/nightly.py:demo")
    ('recommendations', '/jobs/nightly.py:demo')
    """
    place, colon, attribute = flow.rpartition(":") if ":" in flow else (flow, "", "")
    is_file = place.endswith(".py") or os.sep in place
    return f"{Path(place).absolute()}{colon}{attribute}" if is_file else flow


def _workflow_in(module: ModuleType, attribute: str, place: str) -> "Workflow":
    from kaon.dsl import Workflow

    found = {name: value for name, value in vars(module).items() if isinstance(value, Workflow)}
    if attribute:
        if attribute not in found:
            raise CallError(
                f"{place} has no workflow {attribute!r}",
                why=f"it has: {', '.join(found)}" if found else "it has no workflow at all",
                fix=_nearest(attribute, found) or f'{attribute} = workflow("{attribute}", …)',
            )
        return found[attribute]
    if not found:
        raise CallError(f"{place} has no workflow", fix=f'{Path(place).stem} = workflow("{Path(place).stem}", …)')
    if len({id(value) for value in found.values()}) > 1:
        raise CallError(
            f"{place} has several workflows", why=f"they are: {', '.join(found)}", fix=f"{place}:{next(iter(found))}"
        )
    return next(iter(found.values()))


def _file(path: Path, name: str) -> ModuleType:
    if not path.is_file():
        raise CallError(f"there is no file {str(path)!r}", why=f"FLOW is {name!r}", fix=_nearest_file(path))
    path = path.resolve()
    folder = Path.cwd().resolve()
    if path.is_relative_to(folder):
        parts = path.relative_to(folder).with_suffix("").parts
    else:
        parts = (path.stem,)
        sys.path.insert(0, str(path.parent))
    dotted = ".".join(parts)
    if all(part.isidentifier() for part in parts):
        module = _module(dotted)
        if module.__file__ is not None and Path(module.__file__).resolve() == path:
            return module
    return _executed(path, re.sub(r"\W", "_", f"flow_file_{path.stem}"))  # another module has its name


def _executed(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with _importing(str(path)):
        spec.loader.exec_module(module)
    return module


def _module(dotted: str) -> ModuleType:
    try:
        known = importlib.util.find_spec(dotted) is not None
    except (ModuleNotFoundError, ValueError):
        known = False
    except Exception as error:  # a package above it cannot be imported
        raise _broken(dotted, error) from None
    if not known:
        raise CallError(
            f"there is no module {dotted!r}",
            why=f"it was looked for in the working directory {os.getcwd()}, and among what is installed",
            fix="give a shipped workflow's name, file.py:name or module:name",
        )
    with _importing(dotted):
        return importlib.import_module(dotted)


class _importing:
    """Turn a failure of the user's module into a CallError that shows the user's own lines."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        from kaon.dsl import WorkflowError

        if isinstance(error, Exception) and not isinstance(error, WorkflowError | CallError):
            raise _broken(self.place, error) from None


def _broken(place: str, error: Exception) -> CallError:
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((PACKAGE, "<frozen importlib", os.path.dirname(importlib.__file__)))
    ]
    lines = [*traceback.format_list(frames), *traceback.format_exception_only(error)]
    return CallError(f"{place} cannot be imported", why="\n" + "".join(lines).rstrip(), fix="mend that line")


def _nearest(name: str, choices: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, list(choices), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else ""


def _nearest_file(path: Path) -> str:
    siblings = [str(found) for found in path.parent.glob("*.py")] if path.parent.is_dir() else []
    return _nearest(str(path), siblings) or "give the path of the file that holds the workflow"
