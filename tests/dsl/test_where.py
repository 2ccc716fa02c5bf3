"""Where an expression was written, as well as the source can be read."""

import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.dsl.flow_file import text
from tests.dsl.toys import evaluate, load, train

from kaon.dsl import WorkflowError, workflow
from kaon.dsl.where import NOWHERE, Where

FlowFile = Callable[..., dict[str, Any]]


def error_in(source: str, names: dict[str, Any], file: str = "<nowhere>") -> str:
    with pytest.raises(WorkflowError) as raised:
        exec(compile(text(source), file, "exec"), names)
    return str(raised.value)


NAMES: dict[str, Any] = {"workflow": workflow, "load": load, "evaluate": evaluate, "train": train}


def test_code_without_source_is_shown_by_its_line_alone() -> None:
    assert error_in("\n\nflow = workflow('flow', load >> evaluate)", dict(NAMES)) == text(
        """
        evaluate needs 'model: Model', and nothing upstream provides it

          <nowhere>:1
          why: in scope: ratings
          fix: put a step before it that outputs 'model', or give it a default
        """
    )


def test_a_source_that_is_no_python_any_more_is_shown_without_carets() -> None:
    file = "<template>"
    linecache.cache[file] = (0, None, ["%magic\n", "flow = workflow('flow', load >> evaluate)\n"], file)

    error = error_in("pass\nflow = workflow('flow', load >> evaluate)", dict(NAMES), file)

    assert "    2 | flow = workflow('flow', load >> evaluate)\n\n  why" in error


def test_a_source_that_changed_since_it_was_loaded_is_shown_without_carets() -> None:
    file = "<edited>"
    linecache.cache[file] = (0, None, ["flow = something_else(1, 2)\n"], file)

    error = error_in("flow = workflow('flow', load >> evaluate)", dict(NAMES), file)

    assert "^" not in error


def test_a_file_that_is_edited_and_loaded_again_is_shown_as_it_is_now(flow_file: FlowFile) -> None:
    with pytest.raises(WorkflowError):
        flow_file("flow = workflow('flow', load >> evaluate)")

    with pytest.raises(WorkflowError) as raised:
        flow_file("# A comment that is new, and of another length.\n\nflow = workflow('flow', [load] >> evaluate)")

    assert "3 | flow = workflow('flow', [load] >> evaluate)" in str(raised.value)
    assert f"\n      | {' ' * 34}^^^^^^^^\n" in str(raised.value)


def test_two_files_with_the_same_text_are_told_apart(flow_file: FlowFile) -> None:
    source = "def build():\n    return load >> evaluate\n\nexpression = build()"
    first = flow_file(source, "first.py")["expression"]
    second = flow_file(source, "second.py")["expression"]

    assert (Path(first.where.file).name, Path(second.where.file).name) == ("first.py", "second.py")


def test_a_verb_called_by_a_function_that_the_user_wrapped_around_it_is_shown_in_that_function(
    flow_file: FlowFile,
) -> None:
    with pytest.raises(WorkflowError) as raised:
        flow_file(
            """
            from functools import partial, reduce
            from operator import rshift

            flow = workflow("flow", reduce(rshift, [load, evaluate]))
            """
        )

    assert "my_flow.py:4" in str(raised.value)


def test_a_place_names_its_file_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert str(Where(str(tmp_path / "flows" / "mine.py"), 3)) == "flows/mine.py:3"
    assert str(Where("/elsewhere/mine.py", 3)) == "/elsewhere/mine.py:3"


def test_nowhere_has_no_source() -> None:
    assert NOWHERE.source == ""


def test_a_step_knows_where_it_was_declared() -> None:
    assert Path(load.definition.where.file).name == "toys.py"
    assert load.definition.where.source.startswith("@step(")


def test_a_nodes_place_does_not_count_when_plans_are_compared() -> None:
    one = workflow("flow", load >> train).plan
    other = workflow(
        "flow",
        load
        >> train,
    ).plan  # fmt: skip

    assert one == other
