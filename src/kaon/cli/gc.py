"""`kaon gc`: free the space of what nobody wants any more."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Home
from .refusals import CallError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kaon.artifacts.collection import Garbage

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    older_than: Annotated[str, typer.Option(help="Age of what may go: 7d, 12h, 30m, 0s.", metavar="AGE")] = "7d",
    images: Annotated[
        bool, typer.Option("--images", help="Also old images of publications: not champion, challenger or recent.")
    ] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Remove the blobs that no artifact names, what killed writers left, and what is only cached.

    Every output of every run stays; checkpoints, which steps keep to go on from, lose their bytes. Runs may go on
    meanwhile: nothing goes that was put since the oldest of them began, whatever its age. Docker is only asked with
    --images; a version whose image went is built again when it is promoted.
    """
    from kaon.artifacts import open_store
    from kaon.artifacts.collection import collect, garbage

    from .printed import print_json

    store = open_store()
    found = garbage(store, age(older_than))
    gone = found if dry_run else collect(store, found)
    old = _old_images(dry_run) if images else []
    if as_json:
        print_json({"dry_run": dry_run, "before": gone.before, **_counted(gone), **({"images": old} if images else {})})
        return
    went = "would go" if dry_run else "went"
    _show(gone, went)
    for image in old:
        print(f"{went}: the image of {image['name']} {image['version']}")
    if images and not old:
        print("no image is old")


def _old_images(dry_run: bool) -> "list[Mapping[str, object]]":
    """Return the old images of publications, which are gone then unless it is only asked what would go."""
    from kaon.artifacts import kaon_home
    from kaon.artifacts.publications.old_images import described, forget_images, old_images

    found = old_images(kaon_home())
    return [described(image) for image in (found if dry_run else forget_images(found))]


def age(text: str) -> timedelta:
    """Return the duration that a number and a unit name. Raises CallError.

    >>> age("7d")
    datetime.timedelta(days=7)
    """
    named = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if named is None:
        raise CallError(
            f"{text!r} is no age",
            why="an age is a number and a unit: s, m, h, d or w",
            fix="kaon gc --older-than 7d",
        )
    return timedelta(**{UNITS[named[2]]: float(named[1])})


def _counted(gone: "Garbage") -> dict[str, object]:
    return {
        "blobs": {"count": len(gone.blobs), "bytes": sum(blob.size for blob in gone.blobs)},
        "temporary": {"count": len(gone.leftovers), "bytes": sum(piece.size for piece in gone.leftovers)},
        "cached": {"count": len(gone.cached), "bytes": sum(piece.size for piece in gone.cached)},
        "bytes": gone.size,
        "young": gone.young,
    }


def _show(gone: "Garbage", went: str) -> None:
    from kaon.artifacts.amounts import size

    from .printed import console, table

    if gone.young:
        print(f"blobs that no artifact names, and that stay because a run may record them yet: {gone.young}")
    if not (gone.blobs or gone.leftovers or gone.cached):
        print("nothing to remove")
        return
    sorts = (
        ("blobs that no artifact names", [blob.size for blob in gone.blobs]),
        ("files of killed writers", [piece.size for piece in gone.leftovers]),
        ("cached copies", [piece.size for piece in gone.cached]),
    )
    rows = [(name, str(len(sizes)), size(sum(sizes))) for name, sizes in sorts]
    rows.append(("together", str(sum(len(sizes) for _, sizes in sorts)), size(gone.size)))
    console().print(table((went, "number", "size"), rows, right=("number", "size")))
