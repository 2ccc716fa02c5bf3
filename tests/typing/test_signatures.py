"""The language as a type checker sees it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SIGNATURES = Path(__file__).with_name("signatures.py")
ROOT = Path(__file__).parents[2]


def expected() -> Iterator[tuple[int, str]]:
    for number, line in enumerate(SIGNATURES.read_text(encoding="utf-8").splitlines(), 1):
        if found := re.search(r"# error: ([\w-]+)$", line):
            yield number, found[1]


def test_a_type_checker_refuses_what_is_wrong_and_nothing_else(pytestconfig: pytest.Config) -> None:
    cache = pytestconfig.cache.mkdir("mypy") if pytestconfig.cache else "/dev/null"
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}"),
            *("--follow-imports=silent", "--disable-error-code=import-untyped", "--no-error-summary"),
            str(SIGNATURES),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"MYPYPATH": "src", "PATH": ""},
        timeout=300,
    )

    found = re.findall(r"signatures\.py:(\d+): error: .*\[([\w-]+)\]$", checked.stdout, re.MULTILINE)
    assert [(int(line), code) for line, code in found] == list(expected()), checked.stdout + checked.stderr
