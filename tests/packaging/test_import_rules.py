"""Who may import what, and by which name, so that no class exists twice and `import kaon` stays quick."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kaon

ROOT = Path(__file__).parents[2]
LAYERS = ("artifacts", "dsl", "steps", "flows", "deploy")
PUBLIC_FACE = [
    *("step", "shell_step", "docker_step", "spark_submit"),
    *("workflow", "sequence", "parallel", "for_each", "sweep", "bootstrap", "cross_validate", "repeat", "when"),
    *("run", "to_prefect", "open_store", "current_step"),
    *(
        "Cron",
        "Every",
        "Resources",
        "Process",
        "Docker",
        "SparkSubmit",
        "secret",
        "Secret",
        "WorkflowError",
        "RunFailed",
    ),
]


def python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run some Python in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True)


def imports(layer: str) -> Iterator[tuple[Path, ast.Import | ast.ImportFrom]]:
    """Yield every import statement of a layer with its file."""
    for file in sorted((ROOT / layer).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield file.relative_to(ROOT), node


def imported_names(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the absolute module names that a statement imports; a relative import has none."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [] if node.level else [node.module or ""]


def test_the_public_face_is_what_the_design_says():
    assert kaon.__all__ == PUBLIC_FACE
    assert all(hasattr(kaon, name) for name in PUBLIC_FACE)


def test_importing_kaon_loads_no_heavy_library(tmp_path):
    heavy = ("torch", "pyspark", "prefect", "mlflow", "pandas", "pyarrow", "xgboost", "faiss")
    code = f"import sys, kaon; print([name for name in {heavy} if name in sys.modules])"

    assert python(code, tmp_path).stdout == "[]\n"


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_refuses_to_be_imported_by_its_folders_name(layer):
    refused = python(f"import {layer}", cwd=ROOT)

    assert refused.returncode == 1
    assert (
        f"ImportError: this folder is the package 'kaon.{layer}': write: from kaon.{layer} import …" in refused.stderr
    )


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_a_link_to_the_folder_at_the_top(layer):
    link = ROOT / "src" / "kaon" / layer

    assert link.is_symlink()
    assert link.readlink() == Path("..", "..", layer)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_imported_relatively_inside_and_as_kaon_outside(layer):
    by_folder = [
        f"{file}:{node.lineno}"
        for file, node in imports(layer)
        for name in imported_names(node)
        if name.split(".")[0] in LAYERS or name == f"kaon.{layer}" or name.startswith(f"kaon.{layer}.")
    ]
    climbing_out = [
        f"{file}:{node.lineno}"
        for file, node in imports(layer)
        if isinstance(node, ast.ImportFrom) and node.level >= len(file.parts)
    ]

    assert by_folder == []
    assert climbing_out == []


def test_no_step_imports_another_step():
    steps = {file for file in (ROOT / "steps").rglob("*.py") if defines_a_step(file)}
    imported = {
        f"{file}:{node.lineno}"
        for file, node in imports("steps")
        if ROOT / file in steps and isinstance(node, ast.ImportFrom) and node.level
        for target in targets(ROOT / file, node)
        if target in steps and target != ROOT / file
    }

    assert imported == set()


def defines_a_step(file: Path) -> bool:
    """Return whether a file has a function decorated with `@step` or `@step(…)`."""
    decorators = [
        decorator.func if isinstance(decorator, ast.Call) else decorator
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
    ]
    return any(isinstance(decorator, ast.Name) and decorator.id == "step" for decorator in decorators)


def targets(file: Path, node: ast.ImportFrom) -> list[Path]:
    """Return the files that a relative import can mean."""
    folder = file.parents[node.level - 1].joinpath(*(node.module or "").split("."))
    return [folder.with_suffix(".py"), *(folder / f"{alias.name}.py" for alias in node.names)]
