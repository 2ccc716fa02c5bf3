"""`kaon diff A B`: what differs between two artifacts."""

from typing import Annotated

import typer

from .options import Home


def diff(
    first: Annotated[str, typer.Argument(metavar="FIRST", help="An artifact's number: kaon artifacts RUN.")],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="The number of the one to compare it with.")],
    key: Annotated[list[str] | None, typer.Option("--key", help="A column that names the rows of tables.")] = None,
    home: Home = None,
) -> None:
    """Show what differs from the first artifact to the second: metrics, rows, values, lines, as their kind asks."""
    from kaon.artifacts import open_store
    from kaon.artifacts.viewers import Opened
    from kaon.artifacts.viewers.differences import difference

    from .blocks import print_blocks
    from .found import found_artifact

    store = open_store()
    before, after = (Opened(store, found_artifact(store, one)) for one in (first, second))
    print_blocks(difference(before, after, key or ()))
