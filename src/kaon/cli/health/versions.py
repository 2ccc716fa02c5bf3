"""The packages that are installed, against those that Kaon declares, and those that were tried together."""

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from .finding import Finding, ok, trouble, warning

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PYTHON = (3, 11)
SHOWN = 6


def look_at_versions() -> Iterator[Finding]:
    """Yield what is installed in other versions than Kaon works with."""
    from packaging.requirements import Requirement

    yield python()
    try:
        declared = [Requirement(line) for line in requires("kaon") or ()]
    except PackageNotFoundError:
        fix = "pip install --editable . in Kaon's folder, or pip install kaon"
        yield trouble("machine", "packages", "kaon is not installed", why="its plug-ins are not found", fix=fix)
        return
    yield packages(declared, pins(Path(__file__).resolve().parents[4] / "constraints.txt"))


def python() -> Finding:
    """Look whether this Python is new enough."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        wanted = ".".join(map(str, PYTHON))
        why, fix = f"Kaon needs Python {wanted} or newer", f"make PYTHON=python{wanted}"
        return trouble("machine", "Python", found, why=why, fix=fix)
    return ok("machine", "Python", found)


def packages(declared: "Iterable[Requirement]", pinned: dict[str, str]) -> Finding:
    """Compare what is installed with the declared ranges, and with the pins where there are any.

    pinned: version of each package by its canonical name; empty outside a checkout of Kaon.
    """
    from packaging.utils import canonicalize_name

    unfit, unpinned, installed = [], [], 0
    for need in _needed(declared):
        found = _installed(need.name)
        installed += found is not None
        if found is None or not need.specifier.contains(found, prereleases=True):
            unfit.append((need, found))
        elif (pin := pinned.get(canonicalize_name(need.name), found)) != found.partition("+")[0]:
            unpinned.append(f"{need.name} {found} (tried: {pin})")
    if unfit:
        told = [f"{need.name} {found or 'is missing'} (needed: {need.specifier or 'any'})" for need, found in unfit]
        wanted = " ".join(f"'{need.name}{need.specifier}'" for need, _ in unfit)
        why = "Kaon was never tried with these, and some are known to fail"
        return trouble("machine", "packages", _listed(told), why=why, fix=f"pip install {wanted}")
    if unpinned:
        why = "the versions in constraints.txt were tried together; these were not"
        fix = "pip install --constraint constraints.txt --editable ."
        return warning("machine", "packages", _listed(unpinned), why=why, fix=fix)
    return ok("machine", "packages", f"{installed} direct dependencies, all at versions that Kaon works with")


def pins(constraints: Path) -> dict[str, str]:
    """Return the pinned version of each package by its canonical name; none where there is no such file."""
    from packaging.utils import canonicalize_name

    if not constraints.is_file():
        return {}
    lines = (line.strip() for line in constraints.read_text().splitlines())
    split = (line.partition("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): pin for name, _, pin in split}


def _needed(declared: "Iterable[Requirement]") -> "Iterator[Requirement]":
    """Yield what this machine needs: of the extras, what is installed."""
    for need in declared:
        always = need.marker is None or need.marker.evaluate({"extra": ""})
        if always or (need.name != "kaon" and "extra" in str(need.marker) and _installed(need.name) is not None):
            yield need


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _listed(parts: list[str]) -> str:
    rest = len(parts) - SHOWN
    return ", ".join(parts[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
