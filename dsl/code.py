"""The digest of a step's code: its own, and what it calls within its package, read from the source.

The source is read, not imported, so that a helper used inside a function counts without loading what it needs.
Comments, docstrings, layout and the arguments of decorators do not count; module constants, classes and functions that
the step reaches do. What is installed from elsewhere, and the platform itself, does not: it is named by versions.
"""

import ast
import importlib.util
import inspect
import json
import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from .ir import Definition, Step

PLATFORM = ("kaon.dsl", "kaon.artifacts", "kaon.cli")
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def code_digest(definition: Definition) -> str:
    """Return the digest of a step's code, and of what its place decides, as `sha256:…`."""
    reached: dict[str, str] = {}
    _reach_step(definition, reached)
    if decided := definition.place.decides():
        reached["place"] = f"{definition.place.name} {json.dumps(decided, sort_keys=True)}"
    text = "\n\n".join(f"{name}\n{code}" for name, code in sorted(reached.items()))
    return f"sha256:{sha256(text.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class _Imported:
    module: str
    name: str | None
    """None: the module itself."""


_Table: TypeAlias = dict[str, tuple[ast.stmt, ...] | _Imported]


def _reach_step(definition: Definition, reached: dict[str, str]) -> None:
    function, command = definition.function, definition.command
    if command is None:
        _reach_function(function, reached)
    else:
        reached[f"{function.__module__}:{function.__qualname__}"] = json.dumps(command.decides(), sort_keys=True)


def _reach_function(function: Callable[..., Any], reached: dict[str, str]) -> None:
    name = f"{function.__module__}:{function.__qualname__}"
    if name in reached:
        return
    code = function.__code__
    node = _definition_at(code.co_filename, code.co_firstlineno, code.co_name)
    if node is None:
        reached[name] = f"{code.co_code.hex()} {code.co_names} {_constants(code)}"
    else:
        reached[name] = _normal(node)
    live = inspect.getclosurevars(function).nonlocals if function.__closure__ else {}
    for variable, value in sorted(live.items()):
        _reach_value(f"{name}.{variable}", value, reached)
    if node is not None:
        _reach_references(node, function.__module__, code.co_filename, reached, skip=frozenset(live))


def _reach_value(name: str, value: object, reached: dict[str, str]) -> None:
    match value:
        case Step():
            _reach_step(value.definition, reached)
        case _ if inspect.isfunction(value):
            _reach_function(value, reached)
        case bool() | int() | float() | str() | bytes() | None | tuple() | list() | dict() | frozenset() | set():
            reached[name] = repr(value)
        case _:
            reached[name] = f"{type(value).__module__}.{type(value).__qualname__}"


def _reach_references(
    node: ast.stmt, module: str, file: str, reached: dict[str, str], skip: frozenset[str] = frozenset()
) -> None:
    package = _package_of(module)
    table = {**_table(file, package), **_imports(ast.walk(node), package)}
    for chain in _references(node):
        if chain[0] not in skip and chain[0] in table:
            _reach_entry(table[chain[0]], chain, module, file, reached)


def _reach_entry(
    entry: tuple[ast.stmt, ...] | _Imported, chain: tuple[str, ...], module: str, file: str, reached: dict[str, str]
) -> None:
    if isinstance(entry, _Imported):
        _reach_import(entry, chain[1:], module, reached)
        return
    name = f"{module}:{chain[0]}"
    if name not in reached:
        reached[name] = "\n".join(map(_normal, entry))
        for statement in entry:
            _reach_references(statement, module, file, reached)


def _reach_import(entry: _Imported, rest: tuple[str, ...], importer: str, reached: dict[str, str]) -> None:
    module, chain = entry.module, (() if entry.name is None else (entry.name,)) + rest
    while chain and _source_of(f"{module}.{chain[0]}", importer) is not None:
        module, chain = f"{module}.{chain[0]}", chain[1:]
    found = _source_of(module, importer)
    if found is None or not chain:
        return
    table = _table(found, _package_of(module, is_package=Path(found).name == "__init__.py"))
    if chain[0] in table:
        _reach_entry(table[chain[0]], chain, module, found, reached)


@lru_cache(maxsize=4096)
def _source_of(module: str, importer: str) -> str | None:
    """Return the file of a module that counts as the importer's own code, else None."""
    if module.startswith(PLATFORM):
        return None
    loaded = sys.modules.get(module)
    try:
        file = loaded.__file__ if loaded is not None else getattr(importlib.util.find_spec(module), "origin", None)
    except (ImportError, AttributeError, ValueError):  # not a module: a name inside one
        return None
    if file is None or not file.endswith(".py"):
        return None
    return file if _same_package(module, importer) or _same_project(file, importer) else None


def _same_package(module: str, importer: str) -> bool:
    return module.partition(".")[0] == importer.partition(".")[0]


def _same_project(file: str, importer: str) -> bool:
    own = getattr(sys.modules.get(importer), "__file__", None)
    if own is None or "site-packages" in file or "dist-packages" in file:
        return False
    root = Path(own).resolve().parents[importer.count(".") + (Path(own).name == "__init__.py")]
    return Path(file).resolve().is_relative_to(root) and not Path(file).is_relative_to(sys.base_prefix)


def _package_of(module: str, *, is_package: bool | None = None) -> str:
    """Return the package that relative imports of a module start from."""
    if is_package is None:
        is_package = hasattr(sys.modules.get(module), "__path__")
    return module if is_package else module.rpartition(".")[0]


def _table(file: str, package: str) -> _Table:
    """Return what the names at the top of a module stand for."""
    tree = _tree(file)
    return {} if tree is None else _table_of(tree, package)


@lru_cache(maxsize=512)
def _table_of(tree: ast.Module, package: str) -> _Table:
    table: _Table = dict(_imports(iter(tree.body), package))
    defined: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        for name in _bound(statement):
            defined.setdefault(name, []).append(statement)
    return table | {name: tuple(statements) for name, statements in defined.items()}


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement at the top of a module binds; under a condition, all that are bound there."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {statement.name}
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return set()
        case _:
            inside = list(ast.walk(statement))
            assigned = {part.id for part in inside if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
            return assigned | {part.name for part in inside if isinstance(part, Function | ast.ClassDef)}


def _imports(statements: Iterator[ast.AST], package: str) -> _Table:
    found: _Table = {}
    for statement in statements:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                module = alias.name if alias.asname else alias.name.partition(".")[0]
                found[alias.asname or module] = _Imported(module, None)
        elif isinstance(statement, ast.ImportFrom):
            base = package.rsplit(".", statement.level - 1)[0] if statement.level else ""
            module = ".".join(filter(None, (base, statement.module)))
            for alias in statement.names:
                found[alias.asname or alias.name] = _Imported(module, alias.name)
    return found


def _references(node: ast.AST) -> list[tuple[str, ...]]:
    """Return the names a piece of code uses, as chains: `metrics.ndcg_at` is ("metrics", "ndcg_at")."""
    chains = {_chain(part) for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)}
    return sorted(chain for chain in chains if chain)


def _chain(node: ast.expr) -> tuple[str, ...]:
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Attribute(value=value, attr=attribute):
            inner = _chain(value)
            return (*inner, attribute) if inner else ()
        case _:
            return ()


def _definition_at(file: str, line: int, name: str) -> Function | None:
    tree = _tree(file)
    if tree is None:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first <= line <= node.lineno:
                return node
    return None


def _tree(file: str) -> ast.Module | None:
    lines = linecache.getlines(file)
    return _parsed(file, "".join(lines)) if lines else None


@lru_cache(maxsize=512)
def _parsed(file: str, text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except SyntaxError:  # a notebook cell with magics: the bytecode must do
        return None


def _normal(node: ast.stmt) -> str:
    return ast.unparse(_Normalise().visit(ast.parse(ast.unparse(node))))


class _Normalise(ast.NodeTransformer):
    """Take out docstrings and the decorators of steps, which do not change what a step computes."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.body = _without_docstring(node.body)
        node.decorator_list = [decorator for decorator in node.decorator_list if not _is_step(decorator)]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        node.body = _without_docstring(node.body)
        return node


def _is_step(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return _chain(called)[-1:] == ("step",)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    is_doc = body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    return (body[1:] if is_doc and isinstance(body[0].value.value, str) else body) or [ast.Pass()]  # type: ignore[attr-defined]


def _constants(code: Any) -> str:
    return repr([_constants(part) if inspect.iscode(part) else repr(part) for part in code.co_consts])
