"""The constraints pin every direct dependency, at a version that pyproject.toml admits."""

import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
CONSTRAINTS = (ROOT / "constraints.txt", ROOT / "tests" / "benchmarks" / "constraints.txt")


def direct_dependencies() -> list[Requirement]:
    """Return what pyproject.toml asks for on this machine, the extras and the build included."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = pyproject["project"]
    listed = chain(
        project["dependencies"], *project["optional-dependencies"].values(), pyproject["build-system"]["requires"]
    )
    wanted = [Requirement(line) for line in listed]
    return [need for need in wanted if need.name != "kaon" and (need.marker is None or need.marker.evaluate())]


def pins() -> dict[str, Version]:
    """Return the pinned version of each package by its canonical name."""
    lines = (line.strip() for file in CONSTRAINTS for line in file.read_text().splitlines())
    split = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): Version(version) for name, version in split}


def test_every_direct_dependency_is_pinned_at_a_version_it_admits():
    pinned = pins()
    unfit = {
        str(need): pinned.get(canonicalize_name(need.name))
        for need in direct_dependencies()
        if (pin := pinned.get(canonicalize_name(need.name))) is None or pin not in need.specifier
    }

    assert unfit == {}


def test_no_package_that_carries_cuda_is_installed():
    assert not [name for name in pins() if name.startswith("nvidia-")]
