"""FLOW: a shipped name, file.py:name or module:name, and what is said where it names nothing."""

import sys
from pathlib import Path

import pytest

from kaon.cli.flow_names import find_workflow, shipped
from kaon.cli.refusals import CallError

ONE = """
from kaon import step, workflow

@step(output="answer")
def think(*, question: str = "") -> int:
    return 42

{name} = workflow("{name}", think)
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != ""])
    before = set(sys.modules)
    yield
    for added in set(sys.modules) - before:
        if not added.startswith("kaon"):
            del sys.modules[added]


def refused(name: str) -> str:
    with pytest.raises(CallError) as raised:
        find_workflow(name)
    return str(raised.value)


def test_a_file_alone_names_the_one_workflow_in_it(tmp_path: Path) -> None:
    (tmp_path / "alone.py").write_text(ONE.format(name="deep_thought"))

    assert find_workflow("alone.py").name == "deep_thought"


def test_a_file_in_a_folder_can_import_the_projects_own_packages(tmp_path: Path) -> None:
    (tmp_path / "helpers_of_mine").mkdir()
    (tmp_path / "helpers_of_mine" / "thinking.py").write_text(ONE.format(name="inner"))
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "nightly.py").write_text(
        "from helpers_of_mine.thinking import think\nfrom kaon import workflow\nnightly = workflow('nightly', think)\n"
    )

    assert find_workflow("jobs/nightly.py:nightly").name == "nightly"
    assert find_workflow("jobs.nightly:nightly").name == "nightly"


def test_a_file_elsewhere_or_with_a_name_that_is_no_identifier_works_too(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "my-flow.py").write_text(ONE.format(name="dashed"))
    (tmp_path / "json.py").write_text(ONE.format(name="named_like_a_module"))

    assert find_workflow(str(elsewhere / "my-flow.py")).name == "dashed"
    assert find_workflow("json.py").name == "named_like_a_module"


def test_a_file_with_several_workflows_asks_which(tmp_path: Path) -> None:
    (tmp_path / "pair.py").write_text(ONE.format(name="first") + 'second = workflow("second", think)\n')

    assert find_workflow("pair.py:second").name == "second"
    assert refused("pair.py") == "pair.py has several workflows\n\n  why: they are: first, second\n  fix: pair.py:first"


def test_a_name_that_the_file_does_not_have_gets_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "flow_one.py").write_text(ONE.format(name="training"))
    (tmp_path / "empty_one.py").write_text("")

    assert refused("flow_one.py:trainin") == (
        "flow_one.py has no workflow 'trainin'\n\n  why: it has: training\n  fix: did you mean 'training'?"
    )
    assert refused("empty_one.py:training") == (
        "empty_one.py has no workflow 'training'\n\n"
        "  why: it has no workflow at all\n"
        '  fix: training = workflow("training", …)'
    )


def test_an_unknown_name_lists_the_shipped_workflows_and_the_nearest() -> None:
    assert "recommendations" in shipped()
    assert refused("recomendations") == (
        "there is no workflow 'recomendations'\n\n"
        f"  why: the shipped ones are: {', '.join(shipped())}\n"
        "  fix: did you mean 'recommendations'?"
    )
    assert "fix: give one of them, or your own as file.py:name or module:name" in refused("xyz")


def test_a_file_or_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "nightly.py").write_text("")

    assert refused("nightli.py") == (
        "there is no file 'nightli.py'\n\n  why: FLOW is 'nightli.py'\n  fix: did you mean 'nightly.py'?"
    )
    assert refused("no_such_module:flow") == (
        "there is no module 'no_such_module'\n\n"
        f"  why: it was looked for in the working directory {tmp_path}, and among what is installed\n"
        "  fix: give a shipped workflow's name, file.py:name or module:name"
    )


def test_a_file_that_cannot_be_imported_shows_the_users_lines_only(tmp_path: Path) -> None:
    (tmp_path / "broken_one.py").write_text("import math\n\nroot = math.sqrt(-1)\n")
    (tmp_path / "broken_two.py").write_text("def :\n")

    assert refused("broken_one.py") == (
        "broken_one cannot be imported\n\n"
        "  why: \n"
        f'  File "{tmp_path}/broken_one.py", line 3, in <module>\n'
        "    root = math.sqrt(-1)\n"
        "           ^^^^^^^^^^^^^\n"
        "ValueError: math domain error\n"
        "  fix: mend that line"
    )
    assert "SyntaxError: invalid syntax" in refused("broken_two.py")
