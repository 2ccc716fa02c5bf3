"""The watcher ends what a dead process left, however early that process died."""

import json
import subprocess
import sys

import pytest

from kaon.dsl.places.guard import WATCHER

NOBODY = "0"
"""The number of no process: whoever has it as a parent has lost that."""


@pytest.mark.parametrize("held_open", [True, False])
def test_what_was_said_by_a_process_that_died_before_the_watcher_began_is_ended(held_open, tmp_path):
    left, given_back = tmp_path / "left", tmp_path / "given back"
    left.mkdir()
    given_back.mkdir()
    sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
    said = [
        ["watch", "folder", str(left)],
        ["watch", "folder", str(given_back)],
        ["watch", "group", sleeper.pid],
        ["forget", "folder", str(given_back)],
    ]

    watcher = subprocess.Popen([sys.executable, "-P", str(WATCHER), NOBODY], stdin=subprocess.PIPE, text=True)
    watcher.stdin.write("".join(json.dumps(one) + "\n" for one in said))
    watcher.stdin.flush()
    if not held_open:  # else as by a fork of the process that died
        watcher.stdin.close()

    assert watcher.wait(30) == 0
    assert sleeper.wait(30) == -9
    assert (left.exists(), given_back.exists()) == (False, True)
