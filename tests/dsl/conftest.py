"""What the tests of the language share: a user's flow in a file, and the error it raises."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.dsl.flow_file import error_of, executed


@pytest.fixture
def mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return a function from the source of my_flow.py to the text of the error that it raises."""
    monkeypatch.chdir(tmp_path)
    return lambda source: error_of(source, tmp_path)


@pytest.fixture
def flow_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return a function from the source of a flow file to the names that it defines."""
    monkeypatch.chdir(tmp_path)
    return lambda source, name="my_flow.py": executed(source, tmp_path, name)
