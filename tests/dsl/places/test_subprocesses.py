"""Commands of this machine: each begins once the guard knows of it, so that none outlives the run's process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kaon.dsl.context import Message
from kaon.dsl.places.errors import PlaceError
from kaon.dsl.places.subprocesses import run_command

DIES = """
import os, signal, sys
from pathlib import Path
from kaon.dsl.places import subprocesses
subprocesses.guard = lambda: os.kill(os.getpid(), signal.SIGKILL)
subprocesses.run_command(("touch", sys.argv[1]), within=Path("/"), environment=dict(os.environ), attempt=None)
"""
"""Starts a command, and dies before the guard knows of it."""


class Heard:
    """An attempt that goes on, and keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, message: Message) -> None:
        """Keep the text."""
        self.lines.append(message.text)

    def go_on(self) -> None:
        """Go on."""


def test_a_command_of_a_process_that_dies_before_the_guard_knows_of_it_never_begins(tmp_path):
    died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path / "begun")], env={**os.environ})
    time.sleep(0.5)

    assert died.returncode == -signal.SIGKILL
    assert not (tmp_path / "begun").exists()


def test_a_command_has_nothing_to_read_and_its_words_as_they_are(tmp_path):
    heard = Heard()
    words = ("/bin/sh", "-c", 'cat; printf "%s|" "$@"; pwd', "sh", "two words", "$HOME", "'")

    run_command(words, within=tmp_path, environment=dict(os.environ), attempt=heard)

    assert heard.lines == [f"two words|$HOME|'|{tmp_path}"]


@pytest.mark.parametrize("program", ["no-such-program", "./no-such-program", "./not_executable"])
def test_a_program_that_is_not_there_is_told_before_anything_begins(program, tmp_path):
    (tmp_path / "not_executable").write_text("#!/bin/sh\n")

    with pytest.raises(PlaceError, match=rf"(?s)the program '{program}' cannot be started.*fix: install it"):
        run_command((program,), within=Path(tmp_path), environment=dict(os.environ), attempt=Heard())
