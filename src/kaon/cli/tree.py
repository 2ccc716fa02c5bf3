"""A run as a tree that follows the plan: every branch with its steps, every loop with its items."""

from collections import Counter
from typing import assert_never

from rich.markup import escape
from rich.tree import Tree

from kaon.dsl.plan import Attempts, Branch, Call, Chain, Fork, Loop, Plan, PlanNode, walk

from .board import ENDED, Board, Cell, Keys, by_item
from .printed import STATE_SIGNS, STATE_STYLES, duration, items

ITEMS_SHOWN = 8
"""A loop with more items shows their number by state, and only those that run or failed."""
TELLING = ("running", "retrying", "failed")
BAR = 16


def as_tree(plan: Plan, board: Board) -> Tree:
    """Return the run as it stands."""
    which = "starting …" if board.run_id is None else f"run {board.run_id}"
    tree = Tree(f"[bold]{plan.workflow}[/] [dim]{which}[/]", guide_style="dim")
    for part in plan.root.parts if isinstance(plan.root, Chain) else (plan.root,):
        _grow(tree, part, board, (), ())
    return tree


def _grow(tree: Tree, node: PlanNode, board: Board, keys: Keys, attempts: tuple[int, ...]) -> None:
    match node:
        case Call():
            cell = board.of(node.path, keys, attempts)
            tree.add(_line(cell, board) if cell else f"[dim]· {escape(_name(node.path))}[/]")
        case Chain():
            inner = tree.add(f"[dim]workflow[/] {node.name}") if node.name else tree
            for part in node.parts:
                _grow(inner, part, board, keys, attempts)
        case Fork():
            branches = tree.add("[dim]parallel[/]")
            for branch in node.branches:
                _grow(_lane(branches, branch), branch, board, keys, attempts)
        case Loop():
            _grow_loop(tree, node, board, keys, attempts)
        case Attempts():
            attempt = board.attempt(node.path, keys, attempts)
            which = f": attempt {attempt} of at most {node.at_most}" if attempt else ""
            body = tree.add(f"[dim]repeat until[/] {node.until}[dim]{which}[/]")
            _grow(body, node.body, board, keys, (*attempts, attempt))
        case Branch():
            decision = tree.add(f"[dim]when[/] {node.condition}")
            _grow(decision, node.then, board, keys, attempts)
            if node.orelse is not None:
                _grow(tree.add("[dim]otherwise[/]"), node.orelse, board, keys, attempts)
        case _:
            assert_never(node)


def _grow_loop(tree: Tree, loop: Loop, board: Board, keys: Keys, attempts: tuple[int, ...]) -> None:
    cells = board.under(loop.path, keys, attempts)
    groups = list(by_item(cells, len(keys), len(loop.variables)))
    inside = list(walk(loop.body))
    decides = any(isinstance(node, Branch) for node in inside)
    steps = 0 if decides else sum(isinstance(node, Call) for node in inside)
    states = [_state(group, steps) for _, group in groups]
    counted = f"[dim]: {_counted(states)}[/]" if groups else ""
    branches = tree.add(f"[dim]{loop.verb}[/] {', '.join(loop.variables)}{counted}")
    if not groups:
        _grow(branches, loop.body, board, keys, attempts)
        return
    wide = len(groups) > ITEMS_SHOWN
    telling = [group for group, state in zip(groups, states, strict=True) if state in TELLING]
    for item, _ in telling[:ITEMS_SHOWN] if wide else groups:
        _grow(branches.add(escape(items(item[len(keys) :]))), loop.body, board, item, attempts)


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
    return f"[yellow]{'━' * done}[/][dim]{'━' * (BAR - done)}[/] {fraction:4.0%}"


def _counted(states: list[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(Counter(states).items()))


def _state(cells: list[Cell], steps: int) -> str:
    """Return the state of one item of a loop; steps: how many its body has, 0 where that depends."""
    found = {cell.state for cell in cells}
    for state in ("failed", "cancelled", "running", "retrying"):
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
