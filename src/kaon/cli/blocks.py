"""Blocks of viewers as lines of a terminal: facts, tables and text; pictures are the web application's."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kaon.artifacts.viewers import Block


def print_blocks(blocks: "Iterable[Block]") -> None:
    """Print what a terminal can show of the blocks."""
    from kaon.artifacts.viewers.blocks import Facts, Grid, Note, Passage
    from kaon.artifacts.viewers.said import said

    from .printed import console, table

    terminal = console()
    for block in blocks:
        if isinstance(block, (Facts, Grid, Passage)) and block.title:
            terminal.print(f"\n{block.title}", style="bold", markup=False)
        match block:
            case Facts():
                for name, value in block.facts:
                    terminal.print(f"  {name:<18} {said(value)}", markup=False)
            case Grid():
                rows = [[said(value) for value in row] for row in block.rows]
                numbers = [name for at, name in enumerate(block.columns) if _is_number(block.rows, at)]
                terminal.print(table(block.columns, rows, right=numbers))
                if block.left_out:
                    terminal.print(f"{block.left_out:,} rows more", markup=False)
            case Passage():
                terminal.print(block.text, markup=False)
            case Note():
                terminal.print(block.text, markup=False)


def _is_number(rows: Iterable[tuple[object, ...]], column: int) -> bool:
    return any(isinstance(row[column], (int, float)) for row in rows)
