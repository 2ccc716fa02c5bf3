"""What places tell: unknown names, exit codes, and messages that are none."""

import pytest

from kaon import run, step, workflow
from kaon.dsl.context import Message
from kaon.dsl.places.errors import PlaceError
from kaon.dsl.places.exits import ending, failed
from kaon.dsl.places.found import place_named, place_names
from kaon.dsl.places.messages import line_of, messages_of


class Nowhere:
    """A place that is not declared as an entry point, and hands on nothing."""

    name = "nowhere"

    def to_json(self):
        return {}

    @classmethod
    def from_json(cls, configuration):
        return cls()

    def decides(self):
        return {}

    def perform(self, attempt):
        return 42


def test_an_unknown_place_is_named_with_the_nearest_that_is_there():
    with pytest.raises(PlaceError) as error:
        place_named("dokcer")

    assert str(error.value) == (
        "there is no place 'dokcer'\n"
        "  why: no installed package declares it as an entry point of the group 'kaon.places'\n"
        "  fix: did you mean 'docker'?"
    )
    assert {"docker", "in_process", "process", "shell"} <= set(place_names())


def test_a_step_whose_place_is_not_installed_fails_with_the_reason():
    @step(output="o", place=Nowhere())
    def one() -> int:
        return 1

    result = run(workflow("lost", [one]), raises=False)

    assert "there is no place 'nowhere'" in result.failures[0].cause


def test_a_place_that_hands_on_something_else_is_told_what_to_hand_on(monkeypatch):
    from kaon.dsl.backends import placed

    @step(output="o", place=Nowhere())
    def one() -> int:
        return 1

    monkeypatch.setattr(placed, "place_from", lambda name, configuration: Nowhere())
    placed._place.cache_clear()
    result = run(workflow("lost", [one]), raises=False)
    placed._place.cache_clear()

    assert "the place 'nowhere' returned 42: perform() hands on what attempt.here()" in result.failures[0].cause


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (1, "ended with exit code 1"),
        (-11, "was killed by SIGSEGV"),
        (139, "was killed by SIGSEGV (exit code 139)"),
        (255, "ended with exit code 255"),
    ],
)
def test_an_exit_code_is_told_in_words(code, told):
    assert ending(code) == told


def test_an_error_of_a_command_has_its_last_words_and_a_mend():
    assert str(failed(127, ["Rscript"], "    not found")) == (
        "the command 'Rscript' ended with exit code 127\n"
        "  why: 'Rscript', or what it starts, is not there\n"
        "  it said last:\n"
        "    not found\n"
        "  fix: install it where the step runs, or mend its name"
    )


@pytest.mark.parametrize(
    "message",
    [
        Message("progress", "half way", {"fraction": 0.5}),
        Message("metric", "", {"loss": 0.1}, 3),
        Message("status", "busy"),
        Message("log", 'a "line" \n of two'),
    ],
)
def test_a_message_comes_back_from_its_line(message):
    assert list(messages_of(line_of(message))) == [message]


@pytest.mark.parametrize(
    "line", ["no json", "[1]", '{"metric": 3}', '{"progress": "much"}', "{}", '{"metric": {"a": "b"}}']
)
def test_a_line_that_says_nothing_becomes_a_line_of_the_log(line):
    (message,) = messages_of(line)

    assert message.kind == "log"
    assert message.text.startswith("KAON_MESSAGES: ")
