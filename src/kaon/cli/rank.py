"""`kaon rank BUNDLE`: score candidate lists with a published recommender."""

from pathlib import Path
from typing import Annotated

import typer

from .refusals import CallError


def rank(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle's folder: kaon publish list.")],
    candidates: Annotated[
        Path, typer.Option(metavar="FILE", help="Lines of user, tab, comma-joined items; may be .gz.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Gets lines of user, tab, item, tab, score.")],
) -> None:
    """Score candidate lists in the format of the WSDM Cup, best item first.

    Unknown users and items get a sensible score, never an error.
    """
    if not bundle.is_dir():
        raise CallError(f"there is no bundle {str(bundle)!r}", fix="kaon publish list shows where bundles are")
    if not candidates.is_file():
        raise CallError(f"there is no file {str(candidates)!r}", fix="give a file of candidate lists")
    if not out.parent.is_dir():
        raise CallError(f"there is no folder {str(out.parent)!r} for {out.name}", fix="make it, or write elsewhere")

    from kaon.steps.wsdm_lists import rank_file

    report = rank_file(bundle, candidates, out)
    print(f"{report.lines} lines for {report.users} users in {report.seconds:.1f} s: {out}")
    if report.unknown_users or report.unknown_items:
        print(f"not seen in training: {report.unknown_users} users, {report.unknown_items} items")
