"""Let another process find the modules that this one has: the path, and the files of those that it does not lead to."""

import importlib.util
import os
import sys
import threading
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import PurePath
from types import ModuleType

News = tuple[str, object]
"""("path", sys.path) or ("file", (module, file))."""


class KnownImports:
    """What a child process must be told so that it can import what this process has imported. It only ever grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._news: list[News] = []
        self._seen: set[str] = set()
        self._path: list[str] = []

    def after(self, known: int) -> list[News]:
        """Return what is to be told to a child that was told the first `known` things."""
        if len(sys.modules) != len(self._seen) or sys.path != self._path:
            with self._lock:
                self._look()
        return self._news[known:]

    def _look(self) -> None:
        if sys.path != self._path:
            self._path = list(sys.path)
            self._news.append(("path", [os.path.abspath(place) for place in self._path]))
        places = {os.path.abspath(place) for place in self._path}
        names = set(sys.modules)
        for name in sorted(names - self._seen):
            module = sys.modules.get(name)
            if isinstance(module, ModuleType) and (file := _hidden_file(name, module, places)):
                self._news.append(("file", (name, file)))
        self._seen = names


def _hidden_file(name: str, module: ModuleType, places: set[str]) -> str | None:
    """Return the module's file if importing the module by its name would not find it."""
    try:
        written = object.__getattribute__(module, "__dict__")  # a lazy module would import on getattr
    except AttributeError:  # what poses as a module, such as a library of cffi
        return None
    file = written.get("__file__")
    if name == "__main__" or not isinstance(file, str) or not file.endswith(".py"):
        return None
    if getattr(written.get("__spec__"), "name", name) != name:
        return None  # another module's second name, which that module gives itself
    path = PurePath(os.path.abspath(file))
    parts = path.parent.parts if path.name == "__init__.py" else path.with_suffix("").parts
    dotted = name.split(".")
    if list(parts[-len(dotted) :]) == dotted and os.path.join(*parts[: -len(dotted)]) in places:
        return None
    if "." in name and _beside(sys.modules.get(name.rpartition(".")[0]), path, dotted[-1]):
        return None
    return str(path)


def _beside(package: ModuleType | None, path: PurePath, last: str) -> bool:
    folder, stem = (path.parent.parent, path.parent.name) if path.name == "__init__.py" else (path.parent, path.stem)
    return stem == last and str(folder) in {os.path.abspath(place) for place in getattr(package, "__path__", ())}


class ByFile(MetaPathFinder):
    """Finds the modules that another process has told the files of."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def learn(self, news: Sequence[News]) -> None:
        """Take in what another process told."""
        for kind, what in news:
            if kind == "path":
                assert isinstance(what, list)
                sys.path[:] = what
            else:
                assert isinstance(what, tuple)
                self.files[what[0]] = what[1]
        importlib.invalidate_caches()

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return how to load a module that was told of, or a package that one is in."""
        if file := self.files.get(name):
            folders = [os.path.dirname(file)] if os.path.basename(file) == "__init__.py" else None
            return importlib.util.spec_from_file_location(name, file, submodule_search_locations=folders)
        return None


class PackagesOfFiles(MetaPathFinder):
    """Finds, where nothing else does, the packages that have no file but hold a module that was told of."""

    def __init__(self, told: ByFile) -> None:
        self._told = told

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return an empty package if a module in it was told of."""
        if any(known.startswith(name + ".") for known in self._told.files):
            return ModuleSpec(name, None, is_package=True)
        return None


def finding_by_file() -> ByFile:
    """Let this process import what it will be told of."""
    told = ByFile()
    sys.meta_path.insert(0, told)
    sys.meta_path.append(PackagesOfFiles(told))
    return told
