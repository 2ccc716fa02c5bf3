"""`kaon doctor`: what is wrong with this machine, the Prefect server and the store, and how to mend it."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING

import typer

from .exit_codes import FAILED
from .options import AsJson, Home

if TYPE_CHECKING:
    from collections.abc import Callable

    from .health import Finding

SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "trouble": ("✗", "bold red")}


def doctor(as_json: AsJson = False, home: Home = None) -> None:
    """Look whether everything that Kaon needs is there and works; exits with 1 if something does not.

    Every byte of the store is read. On a Prefect server that is up, what is missing of Kaon's automations is made, and
    runs that are dead are no longer shown as running; nothing else is changed.
    """
    from .printed import print_json

    findings = list(_findings())
    healthy = all(finding.verdict != "trouble" for finding in findings)
    if as_json:
        print_json({"healthy": healthy, "findings": findings})
    else:
        _show(findings)
    if not healthy:
        raise typer.Exit(FAILED)


def _findings() -> "Iterator[Finding]":
    from kaon.artifacts import kaon_home, open_store

    from .health.machine import look_at_machine
    from .health.prefect_server import look_at_server
    from .health.stored import look_at_store
    from .health.versions import look_at_versions

    home, store = kaon_home(), open_store()
    yield from look_at_versions()
    yield from look_at_machine(home)
    yield from look_at_server(home, store)
    with _progress() as progress:
        yield from look_at_store(store, progress)


@contextmanager
def _progress() -> "Iterator[Callable[[int, int], None]]":
    """Show on a terminal how much of the store has been read."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading the store"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None)
        yield lambda read, of: shown.update(task, completed=read, total=of)


def _show(findings: "list[Finding]") -> None:
    from rich.markup import escape

    from .printed import console

    terminal = console()
    width = max(len(finding.check) for finding in findings)
    for part, of_part in groupby(findings, key=lambda finding: finding.part):
        terminal.print(f"[bold]{part}[/]")
        for finding in of_part:
            sign, style = SIGNS[finding.verdict]
            terminal.print(f"  [{style}]{sign}[/] {finding.check:<{width}}  {escape(finding.found)}")
            for name in ("why", "fix"):
                if told := getattr(finding, name):
                    terminal.print(f"    {name:>{width}}: {escape(told)}")
    counts = {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in SIGNS}
    terminal.print(f"{counts['ok']} ok, {counts['warning']} to look at, {counts['trouble']} in trouble")
