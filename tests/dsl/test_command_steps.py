"""Steps that are commands are checked when they are written, and wired like functions."""

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaon import Docker, Process, docker_step, shell_step, step, workflow
from kaon.artifacts import File
from kaon.dsl import WorkflowError
from kaon.dsl.code import code_digest
from kaon.dsl.places.command import Command, command_of
from kaon.dsl.places.place import InProcess
from kaon.dsl.plan import Plan


def refused(*arguments, **options):
    with pytest.raises(WorkflowError) as error:
        shell_step(*arguments, **options)
    return str(error.value)


def test_a_command_is_a_step_with_typed_inputs_outputs_and_settings():
    @step(output="train")
    def give() -> pd.DataFrame:
        raise AssertionError("only bound")

    fit = shell_step(
        "fit --rank={rank} {train} {model}",
        inputs={"train": pd.DataFrame},
        outputs={"model": File},
        settings={"rank": 8},
    )
    plan = workflow("fitting", give >> fit).plan
    call = list(plan.calls())[1]

    assert call.step == "fit"
    assert [(one.name, one.type) for one in call.inputs] == [("train", "DataFrame"), ("rank", "int")]
    assert [(made.name, made.kind) for made in call.outputs] == [("model", "file")]
    assert '"rank": {"default": 8' in json.dumps(plan.settings)
    assert (call.place, call.place_config, call.command) == ("shell", {}, "fit --rank={rank} {train} {model}")


def test_an_input_that_nobody_provides_is_found_when_the_workflow_is_built():
    fit = shell_step("fit {train} {model}", inputs={"train": pd.DataFrame}, outputs={"model": File})

    with pytest.raises(WorkflowError, match="fit needs 'train: DataFrame', and nothing upstream provides it"):
        _ = workflow("fitting", [fit]).plan


@pytest.mark.parametrize(
    ("command", "options", "told"),
    [
        (
            "fit {trian}",
            {"inputs": {"train": File}},
            ["nothing is called {trian}", "did you mean 'train'?", "{{trian}}"],
        ),
        ("fit", {"outputs": {"model": File}}, ["the command is never told of {model}"]),
        ("fit {a}", {"inputs": {"a": File}, "outputs": {"a": File}}, ["'a' is named twice"]),
        ("fit {a}", {"settings": {"a": None}}, ["the setting 'a' has no type"]),
        ("fit 'open", {}, ["No closing quotation"]),
        ("", {}, ["is no program"]),
        ("awk '{a}'", {"inputs": {"a": File}, "shell": True}, ["{a} stands in single quotes", "use double quotes"]),
        ("fit", {"formats": {"b": "csv"}}, ["formats names 'b'"]),
        ("fit", {"files": ["nonesuch.R"]}, ["there is no file", "nonesuch.R"]),
        ("fit", {"place": Process()}, ["Process() performs functions"]),
        ("fit", {"place": "docker"}, ["'docker' is no place"]),
        ("fit", {"env": {"A": 1}}, ["is no text"]),
        ("fit", {"retries": -1}, ["retries and times of a step cannot be negative"]),
        ("fit", {"name": "two words"}, ["'two words' cannot name a step"]),
    ],
)
def test_what_cannot_be_a_step_is_refused_with_the_reason(command, options, told):
    message = refused(command, **options)

    for part in told:
        assert part in message
    assert "test_command_steps.py" in message


def test_limits_that_are_none_are_refused():
    with pytest.raises(WorkflowError, match="is not a size"):
        docker_step(image="a", command="b", memory="a lot")
    with pytest.raises(ValueError, match="names no image"):
        Docker(image="")


def test_braces_that_are_no_placeholders_are_the_programs_own():
    words = command_of(["awk", "{ print $1 }", "{{name}}", '{"a": {"b": 1}}', "${HOME}", "{name}"], shell=False)

    filled = ("awk", "{ print $1 }", "{name}", '{"a": {"b": 1}}', "${HOME}", "x")
    assert Command(words).filled({"name": "x"}) == filled


@given(st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=("Cs",))))
def test_no_value_changes_the_words_of_a_command(value):
    assert Command(("sh", "-c", "true", "{a}", "--b={a}")).filled({"a": value}) == (
        *("sh", "-c", "true", value, f"--b={value}"),
    )
    assert Command(("echo {a}",), shell=True).filled({"a": value}) == ("/bin/sh", "-c", 'echo "${KAON_VALUE_a}"')
    assert Command(("echo {a}",), shell=True).variables({"a": value}) == {"KAON_VALUE_a": value}


def test_the_command_the_scripts_and_the_image_are_the_steps_code(tmp_path, monkeypatch):
    def digest(**options):
        made = docker_step(**{"image": "a:1", "command": "fit {o}", "outputs": {"o": File}, **options})
        return code_digest(made.definition)

    same = digest()

    assert digest(cpus=2, memory="1GiB", retries=3) == same
    assert len({same, digest(image="a:2"), digest(command="fit -v {o}"), digest(env={"A": "b"})}) == 4
    assert digest(formats={"o": "rds"}) != same


def test_a_function_in_the_process_keeps_the_digest_that_its_source_gives():
    def one() -> int:
        return 1

    here, elsewhere, contained = (
        step(output="o", place=place)(one) for place in (InProcess(), Process(), Docker(image="a"))
    )

    assert code_digest(here.definition) == code_digest(elsewhere.definition)
    assert code_digest(here.definition) != code_digest(contained.definition)


def test_a_plan_of_an_older_version_still_reads():
    @step(output="o", place=Process())
    def one() -> int:
        return 1

    plan = workflow("old", [one]).plan
    raw = json.loads(plan.to_json())
    raw["version"] = 2
    for call in raw["root"]["parts"]:
        for name in ("place_config", "command"):
            call.pop(name, None)
            for inner in call.get("branches", ()):
                inner.pop(name, None)
    old = Plan.from_json(json.dumps(raw))

    assert [call.place for call in old.calls()] == ["process"]
    assert [(call.place_config, call.command) for call in old.calls()] == [({}, "")]
    assert plan.version == 3
