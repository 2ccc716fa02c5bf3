"""The wheels that an image installs: the packages that trained, packed again from where they are installed.

An image for another kind of machine needs other wheels than those that are installed here: they come from pip's index.
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from kaon.artifacts.home import renew

from .errors import NoImageHere
from .machine import Machine

NOT_PACKED = {"INSTALLER", "REQUESTED", "direct_url.json", "RECORD"}
"""What says how a package was installed here, not what it is."""
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file, so that the same package gives the same bytes."""


def collect_wheels(requirements: Iterable[str], machine: Machine, cache: Path) -> tuple[Path, ...]:
    """Return wheels of the required packages and all that they require, at the versions installed here, and pip's.

    cache: folder of wheels that were collected before, one below it for each kind of machine.
    Raises NoImageHere, naming the package that cannot be had.
    """
    wanted = installed(("pip", *requirements), machine)
    folder = cache / str(machine)
    folder.mkdir(parents=True, exist_ok=True)
    if machine == Machine.here():
        packed = {package: _packed(package, folder) for package in wanted}
    else:
        packed = {package: _cached(package, folder) for package in wanted}
    missing = [package for package, path in packed.items() if path is None]
    if missing:
        _download(missing, machine, folder)
        packed |= {package: _cached(package, folder) for package in missing}
    return tuple(sorted(path for path in packed.values() if path is not None))


def installed(requirements: Iterable[str], machine: Machine) -> tuple[Distribution, ...]:
    """Return the installed packages of the requirements and of what they require, each once, sorted by name."""
    found: dict[str, Distribution] = {}
    asked = [Requirement(line) for line in requirements]
    done: set[str] = set()
    while asked:
        requirement = asked.pop()
        if str(requirement) in done:
            continue
        done.add(str(requirement))
        package = _installed(requirement.name)
        found[_normal(requirement.name)] = package
        environments = [{**machine.markers(), "extra": extra} for extra in ("", *requirement.extras)]
        for line in package.requires or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate(one) for one in environments):
                asked.append(needed)
    return tuple(found[name] for name in sorted(found))


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise NoImageHere(
            f"the package {name!r} is not installed, and the server needs it",
            why="an image gets the versions that trained",
            fix=f"pip install {name}",
        ) from None


def _packed(package: Distribution, folder: Path) -> Path | None:
    """Return the wheel of an installed package, None if nothing says which files are its own."""
    if (there := _cached(package, folder)) is not None:
        return there
    files = _files(package)
    about = package.read_text("WHEEL")
    if not files or about is None:
        return None
    name = f"{_normal(package.name)}-{package.version}-{_tags(about)}.whl"
    info = next(path.partition("/")[0] for path in files if path.endswith(".dist-info/WHEEL"))
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        partial = Path(scratch, name)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
            record = [_added(wheel, inside, source) for inside, source in sorted(files.items())]
            listed = "\n".join([*record, f"{info}/RECORD,,", ""])
            wheel.writestr(_entry(f"{info}/RECORD", 0o644), listed, compresslevel=1)
        partial.replace(folder / name)
    return folder / name


def _files(package: Distribution) -> Mapping[str, Path]:
    """Return the files of a package by their place in a wheel; commands and bytecode are not among them."""
    own = [
        file
        for file in package.files or ()
        if file.parts[0] != ".." and not file.is_absolute() and file.suffix != ".pyc" and file.name not in NOT_PACKED
    ]
    found = {str(file): Path(str(package.locate_file(file))) for file in own}
    return found if any(name.endswith(".dist-info/WHEEL") for name in found) else {}


def _added(wheel: zipfile.ZipFile, inside: str, source: Path) -> str:
    raw = source.read_bytes()
    mode = 0o755 if os.access(source, os.X_OK) else 0o644
    wheel.writestr(_entry(inside, mode), raw, compresslevel=1)
    digest = base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode()
    return f"{inside},sha256={digest},{len(raw)}"


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EARLIEST)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = mode << 16
    return entry


def _tags(about: str) -> str:
    """Return the tags of a wheel's name from its metadata.

    >>> _tags("Tag: cp311-cp311-manylinux_2_17_x86_64\\nTag: cp311-cp311-manylinux2014_x86_64\\n")
    'cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64'
    """
    tags = [line.removeprefix("Tag:").strip().split("-") for line in about.splitlines() if line.startswith("Tag:")]
    return "-".join(".".join(sorted(set(part))) for part in zip(*tags, strict=True))


def _cached(package: Distribution, folder: Path) -> Path | None:
    found = next(iter(sorted(folder.glob(f"{_normal(package.name)}-{package.version}-*.whl"))), None)
    if found is not None:
        renew(found)
    return found


def _download(packages: Sequence[Distribution], machine: Machine, folder: Path) -> None:
    wanted = [f"{package.name}=={package.version}" for package in packages]
    platforms = [f"--platform={platform}" for platform in machine.platforms()]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--disable-pip-version-check", f"--python-version={machine.python}", *platforms]
        done = subprocess.run([*command, f"--dest={scratch}", *wanted], capture_output=True, text=True)
        if done.returncode != 0:
            raise NoImageHere(
                f"wheels for {machine} cannot be had: {', '.join(wanted)}",
                why=done.stderr.strip().rpartition("\n")[2] or "pip says nothing",
                fix="see that pip reaches an index, or set publish.base_image to an image with the Python and the "
                f"processor of this machine: {Machine.here()}",
            )
        for wheel in Path(scratch).glob("*.whl"):
            name, _, rest = wheel.name.partition("-")
            os.replace(wheel, folder / f"{_normal(name)}-{rest}")


def _normal(name: str) -> str:
    """Return a package's name as the names of wheels have it.

    >>> _normal("Faiss.cpu-X")
    'faiss_cpu_x'
    """
    return re.sub(r"[-_.]+", "_", name).lower()
