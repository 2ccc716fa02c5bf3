"""Where in the user's source an expression was written, so that an error can show it."""

import ast
import linecache
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from types import CodeType, FrameType
from typing import TypeAlias

PACKAGE = str(Path(__file__).parent)
_Position: TypeAlias = tuple[int | None, int | None, int | None, int | None]
"""First line, last line, first column in bytes, last column."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a source file; lines count from 1, columns from 0 in characters."""

    file: str
    line: int
    column: int = 0
    end_column: int = 0
    """One past the last column on `line`; equal to `column` when only the line is known."""

    @property
    def source(self) -> str:
        """The text of the line, or an empty string where the source is not at hand."""
        return linecache.getline(self.file, self.line).rstrip("\n")

    def __str__(self) -> str:
        return f"{_relative(self.file)}:{self.line}"


NOWHERE = Where("<unknown>", 0)


@dataclass(frozen=True, slots=True)
class Written:
    """An expression as it stands in the source: its place, and the syntax of its operands if it can be read."""

    where: Where
    operands: tuple[ast.expr, ...] = ()
    """Up to the first `*several`, after which a place in the source says nothing of an operand's number."""

    def operand(self, index: int) -> "Written":
        """Return the operand at `index`, or this whole expression if its syntax is not at hand."""
        if index >= len(self.operands):
            return Written(self.where)
        return _written(self.where.file, self.operands[index])


def written_by_caller() -> Written:
    """Return the expression of the user's that is being evaluated: a call of one of our verbs, or an operator."""
    frame = users_frame()
    return _written_at(_Code(frame.f_code), frame.f_lasti)


def users_frame() -> FrameType:
    """Return the innermost frame that does not belong to this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    assert frame is not None, "the language is called from somewhere"
    return frame


class _Code:
    """Code by identity: to hash or compare it by value, as Python does, reads all of a module."""

    __slots__ = ("code",)

    def __init__(self, code: CodeType) -> None:
        self.code = code

    def __hash__(self) -> int:
        return id(self.code)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Code) and self.code is other.code


@lru_cache(maxsize=65536)
def _written_at(code: _Code, instruction: int) -> Written:
    file, position = code.code.co_filename, _positions(code)[instruction // 2]
    node = None if None in position else _expressions(_source(file)).get(position)
    return Written(Where(file, position[0] or code.code.co_firstlineno)) if node is None else _written(file, node)


@lru_cache(maxsize=256)
def _positions(code: _Code) -> tuple[_Position, ...]:
    return tuple(code.code.co_positions())


@dataclass(frozen=True, slots=True)
class _Source:
    """The text of a file, compared by its name and stamp alone: a long file is looked up thousands of times."""

    file: str
    stamp: tuple[object, ...]
    lines: list[str] = field(compare=False)


def _source(file: str) -> _Source:
    linecache.checkcache(file)
    lines = linecache.getlines(file)
    entry = linecache.cache.get(file)
    on_disk = entry is not None and len(entry) == 4 and entry[1] is not None
    return _Source(file, entry[:2] if entry is not None and on_disk else tuple(lines), lines)


@lru_cache(maxsize=65536)
def _written(file: str, node: ast.expr) -> Written:
    text = linecache.getline(file, node.lineno)
    end = len(text.rstrip("\n").encode()) if node.end_lineno != node.lineno else node.end_col_offset or 0
    where = Where(file, node.lineno, _characters(text, node.col_offset), _characters(text, end))
    return Written(where, _operands(node))


def _operands(node: ast.expr) -> tuple[ast.expr, ...]:
    match node:
        case ast.BinOp():
            return (node.left, node.right)
        case ast.Call():
            return tuple(takewhile(_single, node.args))
        case ast.List() | ast.Tuple():
            return tuple(takewhile(_single, node.elts))
        case _:
            return ()


def _single(operand: ast.expr) -> bool:
    return not isinstance(operand, ast.Starred)


@lru_cache(maxsize=256)
def _expressions(source: _Source) -> dict[_Position, ast.expr]:
    try:
        tree = ast.parse("".join(source.lines))
    except SyntaxError:  # a cell with magics, a template: the line alone must do
        return {}
    return {
        (node.lineno, node.end_lineno or node.lineno, node.col_offset, node.end_col_offset or node.col_offset): node
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp | ast.Call)
    }


def _characters(text: str, offset: int) -> int:
    return len(text.encode()[:offset].decode(errors="ignore"))


def _relative(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
