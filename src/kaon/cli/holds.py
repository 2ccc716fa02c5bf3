"""What a held run asks, and how it is answered."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from kaon.artifacts import HoldRecord, RunRecord, Store


def hold_place(hold: "HoldRecord") -> str:
    """Return which step waits, with its items and attempts."""
    from kaon.dsl.backends.failures import placed_path

    return placed_path(hold.path, hold.keys, hold.attempt).partition("/")[2]


def print_holds(console: "Console", store: "Store", run: "RunRecord") -> None:
    """Print what a run waits for, and the commands that answer it."""
    waiting = [hold for hold in store.records.holds(run.id) if hold.decided is None]
    if not waiting:
        return
    console.print()
    for hold in waiting:
        console.print(f"[magenta]‖ {hold_place(hold)}[/] waits: [bold]{hold.question}[/]")
    console.print(f"  yes        kaon approve {run.id}", markup=False)
    console.print(f"  no         kaon approve {run.id} --reject", markup=False)
