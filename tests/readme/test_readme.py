"""The README does what it says: its files are written, its commands run, and their output is what it shows."""

import json
import re
import shlex
from importlib.util import find_spec

import pytest
import typer
from tests.readme.blocks import README, REPOSITORY, Block, Walk, blocks_of, is_shown

from kaon.cli import app, main
from kaon.deploy.serving.app import create_app

PAGE = README.read_text()
BLOCKS = blocks_of(PAGE)
SHOWN_ONLY = [
    line for block in BLOCKS if block.language == "sh" for line in block.text.replace("\\\n", " ").splitlines()
] + [
    line.removeprefix("$ ")
    for block in BLOCKS
    if block.language == "console"
    for line in block.text.splitlines()
    if line.startswith("$ ")
]
OTHER_PROGRAMS = ("pip",)
"""Programs that blocks which are only shown may call, besides make, kaon, curl and what is in the repository."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """A reader who starts in an empty folder."""
    return Walk(tmp_path_factory.mktemp("reader"))


def commands(group):
    """Return every command below a group by its words: ("publish", "list")."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from (((name, *words), inner) for words, inner in commands(command))
        else:
            yield (name,), command


COMMANDS = dict(commands(typer.main.get_command(app)))


def described(block: Block):
    """Return a block as a parameter, marked if it starts a server."""
    return pytest.param(block, id=str(block), marks=[pytest.mark.prefect] if block.starts_prefect else [])


@pytest.mark.parametrize("block", [described(block) for block in BLOCKS if block.runs])
def test_a_block_ends_as_the_page_says_and_prints_what_it_shows(walk, block):
    printed = walk.result(BLOCKS, block)

    assert printed.code == block.exits_with, printed.output
    if block.shows is not None:
        assert is_shown(block.shows, printed.output), printed.output


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.quotes], ids=str)
def test_a_quotation_is_what_the_file_says(block):
    assert block.text.partition("\n")[2] in (REPOSITORY / block.title).read_text()


def test_the_picture_is_the_one_that_kaon_draws(capsys):
    with pytest.raises(SystemExit):
        main(["show", "recommendations", "--mermaid"])

    assert [block.text for block in BLOCKS if block.language == "mermaid"] == [capsys.readouterr().out]


@pytest.mark.parametrize("line", SHOWN_ONLY)
def test_a_line_that_is_only_shown_names_targets_commands_and_options_that_exist(line):
    words = [word for word in shlex.split(line, comments=True) if not re.match(r"[A-Z_]+=", word)]
    program, arguments = words[0].removeprefix(".venv/bin/"), words[1:]

    match program:
        case "make":
            assert re.search(rf"^{arguments[0]}:", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
        case "kaon":
            command = next(found for name, found in COMMANDS.items() if tuple(arguments[: len(name)]) == name)
            options = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in arguments if word.startswith("--")} <= options
        case "python" | "python3" if arguments[0] == "-m":
            assert find_spec(arguments[1]) is not None
        case "python":
            assert (REPOSITORY / arguments[0]).is_file()
        case "curl":
            path = next(word.partition("/")[2] for word in arguments if word.startswith("localhost:8000/"))
            routes = create_app(None, None, None).routes
            assert any(route.path_regex.match(f"/{path.partition('?')[0]}") for route in routes)
        case _:
            assert program in OTHER_PROGRAMS


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_stands_on_the_page(words):
    assert re.search(rf"\bkaon {' '.join(words)}\b", PAGE)


def test_every_block_is_of_a_language_that_has_a_rule():
    assert {block.language for block in BLOCKS} == {
        "python",
        "toml",
        "bash",
        "text",
        "mermaid",
        "sh",
        "console",
        "json",
    }


def test_every_line_of_json_is_json():
    lines = [line for block in BLOCKS if block.language == "json" for line in block.text.splitlines()]

    assert all(json.loads(line) for line in lines)


def test_every_output_on_the_page_follows_the_block_that_prints_it():
    followed = [block for block in BLOCKS if block.shows is not None]

    assert len(followed) == sum(block.language == "text" for block in BLOCKS)
    assert all(block.runs for block in followed)
