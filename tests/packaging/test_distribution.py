"""The wheel and the sdist hold what the tree holds, and what the wheel installs can be imported."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ("artifacts", "dsl", "steps", "flows", "deploy")

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
from importlib.metadata import distribution
from pathlib import Path

installed = Path(sys.argv[1])
import kaon

names = [found.name for found in pkgutil.walk_packages(kaon.__path__, "kaon.")]
for name in ["kaon", *names]:
    if name.rpartition(".")[2] == "__main__":
        continue
    module = importlib.import_module(name)
    assert module.__file__ is None or Path(module.__file__).is_relative_to(installed), module.__file__
    missing = [public for public in getattr(module, "__all__", ()) if not hasattr(module, public)]
    assert not missing, f"{name}.__all__ names {missing}"
for entry in distribution("kaon").entry_points:
    entry.load()
print("\\n".join(names))
"""


def tracked_files() -> list[Path]:
    """Return the files that git tracks or would, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    files = {Path(name) for name in listed.stdout.split("\0") if name}
    return sorted(file for file in files if os.path.lexists(ROOT / file))


def in_the_wheel(file: Path) -> str | None:
    """Return where the wheel must hold a file of the tree, or None if it holds it nowhere."""
    if file.parts[0] in LAYERS:
        return str("kaon" / file)
    if file.parts[:2] == ("src", "kaon") and not (ROOT / file).is_symlink():
        return str(file.relative_to("src"))
    return None


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist of a clean copy of the tree, and the wheel built from that sdist."""
    tree = tmp_path_factory.mktemp("tree")
    for file in tracked_files():
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, tree / file, follow_symlinks=False)
    built = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(built), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return built


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    """The wheel."""
    (path,) = dist.glob("*.whl")
    return path


def test_the_wheel_holds_every_file_below_the_layers_and_nothing_else(wheel):
    expected = {place for file in tracked_files() if (place := in_the_wheel(file)) is not None}
    held = set(zipfile.ZipFile(wheel).namelist())

    assert {name for name in held if ".dist-info/" not in name} == expected, (
        "a file that is not Python goes into the wheel by a pattern in pyproject.toml, [tool.setuptools.package-data]"
    )


def test_the_wheel_carries_the_licence_and_the_notice(wheel):
    held = {Path(name).name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/licenses/" in name}

    assert held == {"LICENSE", "NOTICE"}


def test_the_sdist_holds_the_sources_as_files_not_as_links(dist):
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        held = {str(Path(*Path(member.name).parts[1:])): member for member in sdist.getmembers()}

    assert not [name for name, member in held.items() if member.issym() or member.islnk()]
    assert {
        "LICENSE",
        "NOTICE",
        "README.md",
        "pyproject.toml",
        "src/kaon/__init__.py",
        "src/kaon/dsl/__init__.py",
    } <= set(held)


def test_every_module_and_entry_point_of_the_installed_wheel_can_be_imported(wheel, tmp_path):
    installed = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(installed)]
    subprocess.run([*pip, str(wheel)], check=True)

    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING, str(installed)],
        cwd=tmp_path,
        env={**unmeasured(), "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    modules = {place for file in tracked_files() if (place := in_the_wheel(file)) and place.endswith(".py")}
    assert set(done.stdout.split()) | {"kaon"} >= {dotted(module) for module in modules}


def unmeasured() -> dict[str, str]:
    """Return the environment without what would add the installed copy to the coverage of the tree."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def dotted(module: str) -> str:
    """Return the import name of a file of the wheel.

    >>> dotted("kaon/dsl/__init__.py"), dotted("kaon/dsl/step.py")
    ('kaon.dsl', 'kaon.dsl.step')
    """
    path = Path(module).with_suffix("")
    return ".".join(path.parts[:-1] if path.name == "__init__" else path.parts)
