"""A run as a tree that follows the plan: every branch with its steps, every loop with its items."""

from collections import Counter
from dataclasses import dataclass
from typing import assert_never

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.text import Text
from rich.tree import Tree

from kaon.artifacts.amounts import duration
from kaon.dsl.plan import Attempts, Branch, Call, Chain, Fork, Loop, Plan, PlanNode, walk

from .board import Board, Cell, Keys, by_item
from .printed import STATE_SIGNS, STATE_STYLES, items
from .tally import ENDED, Tally
from .tally_line import TallyLine

ITEMS_SHOWN = 8
"""A loop with more items shows their number by state, and only those that run or failed."""
FAILURES_SHOWN = 5
"""Failures that are shown below a wide loop: the latest."""
TELLING = ("running", "retrying", "held", "failed")
GOOD = ("completed", "skipped")
BAR = 16


@dataclass(frozen=True, slots=True)
class Screen:
    """The run as it stands, as tall as the terminal allows: parts that are done, or not begun, fold into one line."""

    plan: Plan
    board: Board

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        tree = as_tree(self.plan, self.board)
        room = options.height or console.height
        lines = console.render_lines(tree, options.update(height=None), pad=False)
        yield tree if len(lines) < room else as_tree(self.plan, self.board, fold=True)


def as_tree(plan: Plan, board: Board, *, fold: bool = False) -> Tree:
    """Return the run as it stands; with `fold`, parts that are done or not begun take one line each."""
    which = "starting …" if board.run_id is None else f"run {board.run_id}, {duration(board.elapsed())}"
    tree = Tree(f"[bold]{plan.workflow}[/] [dim]{which}[/]", guide_style="dim")
    drawing = _Drawing(board, fold)
    for part in plan.root.parts if isinstance(plan.root, Chain) else (plan.root,):
        drawing.grow(tree, part, (), ())
    return tree


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Grows a tree from the nodes of a plan."""

    board: Board
    fold: bool

    def grow(self, tree: Tree, node: PlanNode, keys: Keys, attempts: tuple[int, ...]) -> None:
        """Add a node, for these items and attempts of what encloses it."""
        if self.fold and not isinstance(node, Call) and self._folded(tree, node, keys, attempts):
            return
        match node:
            case Call():
                self._call(tree, node, keys, attempts)
            case Chain():
                inner = tree.add(f"[dim]workflow[/] {node.name}") if node.name else tree
                for part in node.parts:
                    self.grow(inner, part, keys, attempts)
            case Fork():
                branches = tree.add("[dim]parallel[/]")
                for branch in node.branches:
                    self.grow(_lane(branches, branch), branch, keys, attempts)
            case Loop():
                self._loop(tree, node, keys, attempts)
            case Attempts():
                attempt = self.board.attempt(node.path, keys, attempts)
                which = f": attempt {attempt} of at most {node.at_most}" if attempt else ""
                body = tree.add(f"[dim]repeat until[/] {node.until}[dim]{which}[/]")
                self.grow(body, node.body, keys, (*attempts, attempt))
            case Branch():
                decision = tree.add(f"[dim]when[/] {node.condition}")
                self.grow(decision, node.then, keys, attempts)
                if node.orelse is not None:
                    self.grow(tree.add("[dim]otherwise[/]"), node.orelse, keys, attempts)
            case _:
                assert_never(node)

    def _call(self, tree: Tree, call: Call, keys: Keys, attempts: tuple[int, ...]) -> None:
        tally = self.board.tally(call.path)
        if tally is not None:
            self._tally(tree, Text(_name(call.path)), tally, call.path, (), ())
            return
        cell = self.board.of(call.path, keys, attempts)
        tree.add(_one_line(_line(cell, self.board) if cell else f"[dim]· {escape(_name(call.path))}[/]"))

    def _loop(self, tree: Tree, loop: Loop, keys: Keys, attempts: tuple[int, ...]) -> None:
        variables = ", ".join(loop.variables)
        inside = list(walk(loop.body))
        alone = inside[0].path if len(inside) == 1 and isinstance(inside[0], Call) else ""
        for path, at in ((loop.path, (keys, attempts)), (alone, ((), ()))):
            tally = self.board.tally(path, *at)
            if tally is not None:
                self._tally(tree, Text.assemble((loop.verb, "dim"), f" {variables}"), tally, path, *at)
                return
        if any(isinstance(node, Call) and self.board.tally(node.path) for node in inside):
            self.grow(tree.add(f"[dim]{loop.verb}[/] {variables}"), loop.body, keys, attempts)
            return
        self._items(tree, loop, keys, attempts)

    def _tally(self, tree: Tree, title: Text, tally: Tally, path: str, keys: Keys, attempts: tuple[int, ...]) -> None:
        branch = tree.add(TallyLine(title, tally))
        failed = [cell for cell in self.board.under(path, keys, attempts) if cell.state == "failed"]
        for cell in failed[: -FAILURES_SHOWN - 1 : -1]:
            branch.add(
                _one_line(f"[{STATE_STYLES['failed']}]✗ {escape(place(cell))}[/] {escape(_first_line(cell.reason))}")
            )
        more = max(tally.counts.get("failed", 0), len(failed)) - FAILURES_SHOWN
        if more > 0:
            branch.add(f"[dim]… and {more:,} more that failed: kaon status {self.board.run_id} --failed[/]")

    def _items(self, tree: Tree, loop: Loop, keys: Keys, attempts: tuple[int, ...]) -> None:
        groups = list(by_item(self.board.under(loop.path, keys, attempts), len(keys), len(loop.variables)))
        states = [_state(group, _steps(loop.body)) for _, group in groups]
        counted = f"[dim]: {_counted(states)}[/]" if groups else ""
        branches = tree.add(f"[dim]{loop.verb}[/] {', '.join(loop.variables)}{counted}")
        if not groups:
            self.grow(branches, loop.body, keys, attempts)
            return
        wide = len(groups) > ITEMS_SHOWN
        telling = [group for group, state in zip(groups, states, strict=True) if state in TELLING]
        for item, _ in telling[:ITEMS_SHOWN] if wide else groups:
            self.grow(branches.add(escape(items(item[len(keys) :]))), loop.body, item, attempts)

    def _folded(self, tree: Tree, node: PlanNode, keys: Keys, attempts: tuple[int, ...]) -> bool:
        """Add one line for a part that is done, or has not begun, and say whether this is such a part."""
        title = _title(node)
        if not title:
            return False
        paths = [inner.path for inner in walk(node) if isinstance(inner, Call)]
        cells = [cell for path in paths for cell in self.board.under(path, keys, attempts)]
        begun = {cell.path for cell in cells}
        if any(cell.state not in GOOD for cell in cells) or any(self.board.tally(path) for path in paths):
            return False
        if begun and (len(begun) < len(paths) or not _steps(node)):
            return False
        sign = f"[{STATE_STYLES['completed']}]✓[/]" if begun else "[dim]·[/]"
        tree.add(f"{sign} {title} [dim]{len(cells) or len(paths)} steps{' done' if begun else ''}[/]")
        return True


def place(cell: Cell) -> str:
    """Return the step with its items and attempts: `fine_tune (market=ca, attempt 2)`."""
    attempts = f"attempt {'.'.join(map(str, cell.attempts))}" if cell.attempts else ""
    inside = ", ".join(filter(None, (items(cell.keys), attempts)))
    return f"{_name(cell.path)}{f' ({inside})' if inside else ''}"


def _title(node: PlanNode) -> str:
    match node:
        case Chain():
            return f"[dim]workflow[/] {node.name}" if node.name else ""
        case Fork():
            return "[dim]parallel[/]"
        case Loop():
            return f"[dim]{node.verb}[/] {', '.join(node.variables)}"
        case Attempts():
            return f"[dim]repeat until[/] {node.until}"
        case Branch() | Call():
            return ""
        case _:
            assert_never(node)


def _steps(node: PlanNode) -> int:
    """Return how many steps a part has; 0 where a decision says how many run."""
    inside = list(walk(node))
    return 0 if any(isinstance(one, Branch) for one in inside) else sum(isinstance(one, Call) for one in inside)


def _one_line(markup: str) -> Text:
    line = Text.from_markup(markup, overflow="ellipsis")
    line.no_wrap = True
    return line


def _line(cell: Cell, board: Board) -> str:
    style = STATE_STYLES[cell.state]
    line = f"[{style}]{STATE_SIGNS[cell.state]} {escape(_name(cell.path))}[/]"
    match cell.state:
        case "running":
            told = " ".join(filter(None, (_bar(cell.fraction), escape(cell.note))))
            return f"{line} [dim]{duration(board.elapsed(cell))}[/] {told}".rstrip()
        case "completed":
            return f"{line} [dim]{duration(cell.seconds)}[/]"
        case "pending" | "activated":
            return line
        case _:
            return f"{line} [dim]{cell.state}{': ' if cell.reason else ''}{escape(_first_line(cell.reason))}[/]"


def _bar(fraction: float | None) -> str:
    if fraction is None:
        return ""
    done = round(fraction * BAR)
    return f"[yellow]{'━' * done}[/][dim]{'─' * (BAR - done)}[/] {fraction:4.0%}"


def _counted(states: list[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(Counter(states).items()))


def _state(cells: list[Cell], steps: int) -> str:
    """Return the state of one item of a loop; steps: how many its body has, 0 where that depends."""
    found = {cell.state for cell in cells}
    for state in ("failed", "cancelled", "held", "running", "retrying"):
        if state in found:
            return state
    if any(state not in ENDED for state in found) or len({cell.path for cell in cells}) < steps:
        return "running"
    return "skipped" if found == {"skipped"} else "completed"


def _lane(branches: Tree, branch: PlanNode) -> Tree:
    several = isinstance(branch, Chain) and len(branch.parts) > 1 and not branch.name
    return branches.add("[dim]branch[/]") if several else branches


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
