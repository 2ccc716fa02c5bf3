"""The command itself: version, help, speed, exit codes of wrong calls."""

import subprocess
import sys
from importlib.metadata import version

import pytest

HEAVY = ("prefect", "torch", "mlflow", "pyspark", "pandas", "xgboost", "faiss")


def test_the_version_is_that_of_the_distribution(call):
    called = call("--version")

    assert (called.code, called.out) == (0, f"kaon {version('kaon')}\n")


def test_the_command_starts_without_loading_what_only_runs_need():
    loaded = f"import sys, kaon.cli; print([name for name in {HEAVY!r} if name in sys.modules])"

    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout == "[]\n"


def test_listings_load_neither_prefect_nor_a_machine_learning_library():
    listed = (
        "import sys, kaon.cli\n"
        "try: kaon.cli.main(['runs'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True).stdout.endswith("\n[]\n")


@pytest.mark.parametrize("arguments", [("bogus",), ("run",), ("runs", "--limit", "0"), ("run", "x", "--backend", "y")])
def test_a_call_that_the_command_does_not_know_exits_with_2(call, arguments):
    assert call(*arguments).code == 2


def test_help_names_every_command(call):
    told = call("--help").out

    for command in [
        "run",
        "check",
        "show",
        "runs",
        "watch",
        "status",
        "logs",
        "retry",
        "cancel",
        "approve",
        "artifacts",
        "artifact",
        "publish",
        "rank",
        "up",
        "down",
    ]:
        assert f" {command} " in told


def test_check_says_that_a_workflow_is_sound(project):
    assert project.kaon("check", "flows/demo.py").stdout == "demo is sound: 4 steps, 6 settings\n"


def test_check_shows_every_problem_of_a_workflow_and_exits_with_2(project):
    (project.folder / "flows" / "wrong.py").write_text(
        "from kaon import workflow\nfrom steps.work import choose, find\nwrong = workflow('wrong', find >> choose)\n"
    )

    checked = project.kaon("check", "flows/wrong.py")

    assert (checked.returncode, checked.stdout) == (2, "")
    assert "choose needs 'total: int', and nothing upstream provides it" in checked.stderr
    assert "choose needs 'scores: Mapping[str, Metrics]'" in checked.stderr
    assert "flows/wrong.py:3" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_show_has_three_forms(project):
    from kaon.dsl import Plan

    text, mermaid, described = (
        project.kaon("show", "flows/demo.py", *form).stdout for form in ((), ("--mermaid",), ("--json",))
    )

    assert "repeat until stable, at most 3 times" in text
    assert mermaid.startswith("flowchart LR\n")
    assert Plan.from_json(described).workflow == "demo"


def test_two_forms_at_once_are_refused(project):
    shown = project.kaon("show", "flows/demo.py", "--json", "--mermaid")

    assert shown.returncode == 2
    assert shown.stderr == "--json and --mermaid are two forms of the same plan\n\n  fix: give one of them\n"
