"""Where in the user's source an expression was written, so that an error can show it."""

import ast
import linecache
import sys
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType

PACKAGE = str(Path(__file__).parent)


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

    def operand(self, index: int) -> "Written":
        """Return the operand at `index`, or this whole expression if its syntax is not at hand."""
        if index >= len(self.operands) or any(isinstance(part, ast.Starred) for part in self.operands[: index + 1]):
            return Written(self.where)
        return _written(self.where.file, self.operands[index])


def written_by_caller() -> Written:
    """Return the expression of the user's that is being evaluated: a call of one of our verbs, or an operator."""
    frame = users_frame()
    return _written_at(frame.f_code, frame.f_code.co_filename, frame.f_lasti, frame.f_lineno)


def users_frame() -> FrameType:
    """Return the innermost frame that does not belong to this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    assert frame is not None, "the language is called from somewhere"
    return frame


@lru_cache(maxsize=65536)
def _written_at(code: CodeType, file: str, instruction: int, line: int) -> Written:
    """Return the expression at an instruction; `file` counts, since equal code of two files is equal."""
    position = next(islice(code.co_positions(), instruction // 2, None), None)
    if position is None or None in position:
        return Written(Where(file, line))
    linecache.checkcache(file)
    node = _expressions("".join(linecache.getlines(file))).get(position)  # type: ignore[arg-type]
    if node is None:
        return Written(Where(file, line))
    return _written(file, node)


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
            return tuple(node.args)
        case ast.List() | ast.Tuple():
            return tuple(node.elts)
        case _:
            return ()


@lru_cache(maxsize=256)
def _expressions(source: str) -> dict[tuple[int, int, int, int], ast.expr]:
    try:
        tree = ast.parse(source)
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
