"""The code of the server: what it imports of this package, and nothing else."""

import ast
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from kaon.artifacts import Digest, digest_bytes, digest_value

PACKAGE = "kaon"
SERVER = "kaon.deploy.serving.__main__"
SERVING = "deploy/serving"


def server_code() -> Mapping[str, bytes]:
    """Return by their path the files of the server and of every module of this package that it may import."""
    found: dict[str, bytes] = {}
    asked = [SERVER]
    while asked:
        module = asked.pop()
        path = _file(module)
        if path is None or (inside := _inside(path)) in found:
            continue
        found[inside] = path.read_bytes()
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        parents = [module[:end] for end, letter in enumerate(module) if letter == "."]
        asked += [*parents, *_imports(found[inside], package)]
    return dict(sorted(found.items()))


def code_digest(code: Mapping[str, bytes]) -> Digest:
    """Return what names the code."""
    return digest_value({path: digest_bytes(raw) for path, raw in code.items()})


def dockerfile() -> bytes:
    """Return how the image is built."""
    return (_root() / SERVING / "Dockerfile").read_bytes()


def requirements() -> tuple[str, ...]:
    """Return the packages that the server needs."""
    lines = (_root() / SERVING / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return tuple(bare for line in lines if (bare := line.partition("#")[0].strip()))


def _imports(source: bytes, package: str) -> Iterator[str]:
    """Yield the modules of this package that a module may import, those inside its functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            if module.split(".")[0] == PACKAGE:
                yield module
                yield from (f"{module}.{name.name}" for name in node.names)


def _root() -> Path:
    return Path(str(files(PACKAGE)))


def _file(module: str) -> Path | None:
    """Return the file of a module, None for a name that is no module."""
    path = _root().joinpath(*module.split(".")[1:])
    for one in (path.with_name(path.name + ".py"), path / "__init__.py"):
        if one.is_file():
            return one
    return None


def _inside(path: Path) -> str:
    return f"{PACKAGE}/{path.relative_to(_root()).as_posix()}"
