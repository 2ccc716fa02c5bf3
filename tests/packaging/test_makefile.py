"""`make` says what a machine lacks, and how to mend it, before it installs anything."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make in the checkout."""
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def test_a_machine_without_python_is_told_to_name_one(tmp_path):
    refused = make(f"{tmp_path}/build-settings.cfg", f"VENV={tmp_path}", "PYTHON=python-that-is-not-there")

    assert refused.returncode == 2
    assert "there is no 'python-that-is-not-there' on the PATH. Fix: install it, or name one: make PYTHON=" in (
        refused.stderr
    )


def test_a_python_that_is_too_old_is_refused(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\ncase $1 in --version) echo Python 3.9.2;; *) exit 1;; esac\n")
    old.chmod(0o755)

    refused = make(f"{tmp_path}/build-settings.cfg", f"VENV={tmp_path}", f"PYTHON={old}")

    assert refused.returncode == 2
    assert f"Kaon needs Python 3.11 or newer, and '{old}' is Python 3.9.2." in refused.stderr


def test_a_machine_without_java_is_told_what_to_install():
    refused = make("java", JAVA_HOME="/no/java/here")

    assert refused.returncode == 2
    assert "Spark needs Java 17 or newer, and '/no/java/here/bin/java' is missing. Fix: " in refused.stderr
