"""The options that several commands share."""

import os
from pathlib import Path
from typing import Annotated, TypeAlias

import typer


def _use_home(home: Path | None) -> Path | None:
    if home is not None:
        os.environ["KAON_HOME"] = str(home)
    return home


Home: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="Folder that holds everything runs store.",
        envvar="KAON_HOME",
        show_default=".kaon",
        callback=_use_home,
        is_eager=True,
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Flow: TypeAlias = Annotated[
    str, typer.Argument(metavar="FLOW", help="A shipped workflow's name, file.py:name or module:name.")
]
RunId: TypeAlias = Annotated[str, typer.Argument(metavar="RUN", help="A run's number, or `last`.")]
