"""`kaon publish promote`, `rollback` and `stop`: which published version serves."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Home
from .refusals import CallError

if TYPE_CHECKING:
    from kaon.artifacts.publications import Promoted

Name = Annotated[
    str | None, typer.Option("--name", help="The model's name; needed where several are published.", show_default=False)
]
Port = Annotated[
    int | None,
    typer.Option("--port", help="Port of this machine to serve on; as before, else 8000.", show_default=False),
]


def promote(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A version, or its beginning: kaon publish list.")],
    name: Name = None,
    port: Port = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="In a container also where only bundles were published so far.")
    ] = False,
    home: Home = None,
) -> None:
    """Make a published version the champion, and let its container serve.

    An image that is not there is built. Its server must answer the golden requests before it takes the place of what
    serves; if it does not, nothing changes.
    """
    from kaon.artifacts import kaon_home
    from kaon.artifacts.publications import promote as promoted

    from .published_image import build_missing_image

    called = _name(name, version)
    build_missing_image(kaon_home(), called, version, serve=serve, waits=_wait)
    _print(promoted(kaon_home(), called, version, port=port, waits=_wait))


def rollback(name: Name = None, home: Home = None) -> None:
    """Make the champion before the present one champion again, and let its container serve."""
    from kaon.artifacts import kaon_home
    from kaon.artifacts.publications import rollback as rolled_back

    from .published_image import build_missing_image

    called = _name(name, "")
    if version := _previous(called):
        build_missing_image(kaon_home(), called, version, serve=False, waits=_wait)
    _print(rolled_back(kaon_home(), called, waits=_wait))


def stop(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The model's name; needed where several are published.")
    ] = None,
    home: Home = None,
) -> None:
    """Stop and remove the container that serves a model; it may first answer what it was asked.

    Images, bundles and the champion stay: `kaon publish promote VERSION` serves again.
    """
    from kaon.artifacts import kaon_home
    from kaon.artifacts.publications import stop as stopped

    called = _name(name, "")
    served = stopped(kaon_home(), called, waits=_wait)
    if served is None:
        print(f"nothing serves {called}")
    else:
        print(f"{called} {served.version} no longer serves at {served.url or served.container}")
        print(f"serve it again: kaon publish promote {served.version} --name {called}")


def _name(name: str | None, version: str) -> str:
    """Return the name of the model that is meant. Raises CallError."""
    from kaon.artifacts import kaon_home
    from kaon.artifacts.publications import publications

    found = publications(kaon_home())
    names = sorted({one.name for one in found})
    if name is not None:
        if name in names:
            return name
        raise CallError(
            f"nothing of the name {name!r} is published",
            why=f"published are {', '.join(names)}" if names else "nothing is published yet",
            fix="kaon publish list shows what there is",
        )
    of_version = sorted({one.name for one in found if version and one.version.startswith(version)})
    if len(meant := of_version or names) == 1:
        return meant[0]
    raise CallError(
        "it is not clear which model is meant" if meant else "nothing is published yet",
        why=f"published are {', '.join(meant)}" if meant else "",
        fix=f"kaon publish … --name {meant[0]}" if meant else "kaon run recommendations",
    )


def _previous(name: str) -> str:
    """Return the version that a rollback leads to, empty if there is none."""
    from kaon.artifacts import kaon_home
    from kaon.artifacts.publications import events
    from kaon.artifacts.publications.history import champions

    line = champions(events(kaon_home(), name))
    return line[-2] if len(line) > 1 else ""


def _print(made: "Promoted") -> None:
    one = made.publication
    print(f"{one.name} {one.version} is champion")
    if made.serving is not None:
        print(f"  serves at  {made.serving.url}")
        print(f"  stop it    kaon publish stop {one.name}")
    for note in made.notes:
        print(f"  note       {note}")


def _wait() -> None:
    print("another publication of this name is at work: waiting for it", file=sys.stderr)
