"""The conformance suite of places: what the engine relies on, whoever wrote the place.

class TestKubernetes(PlaceTests):
    place = Kubernetes(namespace="test")
"""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from kaon.artifacts import File, Metrics, Store, open_store

from ..command_steps import shell_step
from ..context import current_step
from ..ir import Step
from ..places.found import place_named
from ..places.place import Place
from ..step import step
from ..workflow import workflow
from . import Result, run

__all__ = ["PlaceTests"]

AWKWARD = "a b'c\"d $(touch x) ; `e` \\ {f} *"
"""A value that a shell would take apart."""
PATIENCE = 60.0
"""Seconds within which a step is gone whose time is up."""


class PlaceTests:
    """Subclass it as `Test…`, and give the place."""

    place: ClassVar[Place]
    functions: ClassVar[bool] = True
    """Whether it performs steps that are functions."""
    commands: ClassVar[bool] = True
    """Whether it performs steps that are commands; `sh` and `cat` are to be where they run."""
    kills: ClassVar[bool] = True
    """Whether it ends a step that hangs in foreign code."""
    installed: ClassVar[bool] = True
    """Whether the place is declared as an entry point."""

    @pytest.fixture(autouse=True)
    def place_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Keep what the runs store in a folder of the test's."""
        home = tmp_path / "home"
        monkeypatch.setenv("KAON_HOME", str(home))
        return home

    @pytest.fixture
    def store(self, place_home: Path) -> Store:
        """A store in a folder, as processes elsewhere could read it."""
        return open_store(str(place_home / "store"))

    def test_it_is_found_by_its_name(self) -> None:
        if not self.installed:
            pytest.skip("it is not declared as an entry point")

        assert place_named(self.place.name) is type(self.place)

    def test_its_configuration_comes_back_from_json(self) -> None:
        configuration = json.loads(json.dumps(self.place.to_json()))

        assert type(self.place).from_json(configuration) == self.place
        assert type(self.place).from_json(configuration).to_json() == configuration

    def test_what_decides_is_plain_json_and_stays_the_same(self) -> None:
        decided = json.dumps(self.place.decides(), sort_keys=True)

        again = type(self.place).from_json(json.loads(json.dumps(self.place.to_json())))
        assert json.dumps(again.decides(), sort_keys=True) == decided

    def test_a_function_is_performed_and_its_output_is_kept(self, store: Store) -> None:
        result = run(workflow("adding", self._give(2) >> self._function(lambda number: number + 0.5)), store=store)

        assert result["made"] == 2.5

    def test_what_a_function_raises_is_why_the_step_failed(self, store: Store) -> None:
        def fail(number: int) -> float:
            raise LookupError(f"no market {number}")

        failed = run(workflow("failing", self._give(7) >> self._function(fail)), store=store, raises=False)

        assert failed.failures[0].cause == "LookupError: no market 7"

    def test_what_a_function_says_is_recorded(self, store: Store) -> None:
        def talk(number: int) -> float:
            print("a line")
            current_step().progress(0.5, "half way")
            current_step().metrics({"loss": 0.25}, at=3)
            return number

        result = run(workflow("talking", self._give(1) >> self._function(talk)), store=store)

        assert {
            ("log", "a line"),
            ("progress", "half way"),
            ("metric", ""),
        } <= _said(store, result)

    def test_a_function_that_runs_too_long_is_ended(self, store: Store) -> None:
        if not self.kills:
            pytest.skip("it cannot end a step")

        def hang(number: int) -> float:
            time.sleep(600)
            return number

        hanging = workflow("hanging", self._give(1) >> self._function(hang, timeout=timedelta(seconds=1)))
        began = time.monotonic()
        failed = run(hanging, store=store, raises=False)

        assert "timeout of 1 s" in failed.failures[0].cause
        assert time.monotonic() - began < PATIENCE

    def test_a_function_is_tried_again_and_knows_which_try_it_is(self, store: Store) -> None:
        def fail_first(number: int) -> float:
            if current_step().attempt == 1:
                raise OSError("not yet")
            return current_step().attempt

        result = run(workflow("retrying", self._give(1) >> self._function(fail_first, retries=1)), store=store)

        assert result["made"] == 2

    def test_it_performs_several_steps_at_once(self, store: Store) -> None:
        one = self._function(lambda number: number + 0.5)
        workflows = [workflow(f"one_of_many_{number}", self._give(number) >> one) for number in range(3)]
        with ThreadPoolExecutor() as threads:
            results = list(threads.map(lambda each: run(each, store=store), workflows))

        assert [result["made"] for result in results] == [0.5, 1.5, 2.5]

    def test_a_command_reads_and_writes_files(self, store: Store) -> None:
        copy = self._command("cat {number} > {copied}", inputs={"number": dict[str, int]}, outputs={"copied": File})

        @step(output="number")
        def give() -> dict[str, int]:
            return {"seven": 7}

        result = run(workflow("copying", give >> copy), store=store)

        assert json.loads(result["copied"].path.read_text()) == {"seven": 7}

    def test_a_value_reaches_a_command_as_it_is(self, store: Store) -> None:
        text = {"text": AWKWARD}
        words = ("sh", "-c", 'printf %s "$1" > "$2"', "sh", "{text}", "{kept}")
        by_words = self._command(words, outputs={"kept": File}, settings=text, name="by_words", shell=False)
        by_shell = self._command(
            'printf %s {text} > "{shelled}"', outputs={"shelled": File}, settings=text, name="by_shell"
        )
        result = run(workflow("quoting", by_words >> by_shell), store=store)

        assert result["kept"].path.read_text() == AWKWARD
        assert result["shelled"].path.read_text() == AWKWARD

    def test_what_a_command_says_is_recorded(self, store: Store) -> None:
        said = '{"progress": 0.5, "text": "half way"}\\n{"metric": {"loss": 0.25}}\\n{"status": "busy"}'
        text = f"echo a line; echo a fault >&2; printf '{said}' >> $KAON_MESSAGES; echo done > {{told}}"
        result = run(workflow("telling", self._command(text, outputs={"told": File})), store=store)

        assert {
            ("log", "a line"),
            ("log", "a fault"),
            ("progress", "half way"),
            ("metric", ""),
            ("status", "busy"),
        } <= _said(store, result)

    def test_a_command_that_fails_says_its_code_and_its_last_words(self, store: Store) -> None:
        failing = self._command("echo it went wrong >&2; exit 3; {never}", outputs={"never": File})
        failed = run(workflow("failing", failing), store=store, raises=False)

        assert "exit code 3" in failed.failures[0].cause
        assert "it went wrong" in failed.failures[0].cause

    def test_an_output_that_a_command_does_not_write_is_named(self, store: Store) -> None:
        failed = run(
            workflow("idle", self._command("true {absent}", outputs={"absent": Metrics})), store=store, raises=False
        )

        assert "'absent'" in failed.failures[0].cause

    def test_a_command_that_runs_too_long_is_ended(self, store: Store) -> None:
        slow = self._command("sleep 600; {late}", outputs={"late": File}, timeout=timedelta(seconds=1))
        began = time.monotonic()
        failed = run(workflow("slow", slow), store=store, raises=False)

        assert "timeout of 1 s" in failed.failures[0].cause
        assert time.monotonic() - began < PATIENCE

    def test_no_folder_of_a_job_is_left(self, store: Store, place_home: Path) -> None:
        run(workflow("adding", self._give(2) >> self._function(lambda number: number + 0.5)), store=store)

        assert list((place_home / "cache" / "jobs").glob("*")) == []

    def _give(self, number: int) -> Step[..., Any]:
        """Return a step whose output is what the others read."""

        @step(output="number")
        def give() -> int:
            return number

        return give

    def _function(self, function: Callable[[int], float], **options: Any) -> Step[..., Any]:
        if not self.functions:
            pytest.skip("it performs no functions")

        @step(output="made", place=self.place, **options)
        def made(number: int) -> float:
            return function(number)

        return made

    def _command(self, command: Any, *, shell: bool = True, name: str = "told", **options: Any) -> Step[..., Any]:
        if not self.commands:
            pytest.skip("it performs no commands")
        return shell_step(command, shell=shell, name=name, place=self.place, **options)


def _said(store: Store, result: Result) -> set[tuple[str, str]]:
    return {(message.kind, message.text) for message in store.records.messages(result.run_id)}
