"""The README's fenced blocks, and the project in which they are run.

python   with a title, `# steps/houses.py`: a file of the reader's project, written there. A title that names a file of
         the repository's own flows/ is a quotation of it, and nothing is written.
         without a title: run, in a process of its own
toml     with a title: a file of the reader's project. Where it declares entry points, the metadata that
         `pip install --editable .` would leave is written as well.
bash     run, in a shell; exits with 0, unless a comment says `# exits with 2`
text     what the block before it prints. A line `…` stands for any lines; times, dates and digests may differ
console  shown and not run: a session, whose commands, after `$`, exist
json     shown: what a program writes or answers, a value a line
mermaid  what `kaon show recommendations --mermaid` prints
sh       shown and not run: what takes minutes, needs the network or stays. Its make targets, commands and options exist
"""

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"# ([\w/]+\.(?:py|toml))\n")
DIFFERS = (
    (re.compile(r"\d+(\.\d+)? (ms|s|min|h)\b"), "TIME"),
    (re.compile(r"\d+\.\d+s\b"), "TIME"),
    (re.compile(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d"), "WHEN"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "DIGEST"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r" $", re.MULTILINE), ""),
)
"""What differs from run to run, and the blanks that pad it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    line: int
    shows: str | None
    """The text block that follows: what this one prints."""

    @property
    def title(self) -> str:
        """The file that it is, or nothing."""
        found = TITLE.match(self.text) if self.language in ("python", "toml") else None
        return found[1] if found else ""

    @property
    def quotes(self) -> bool:
        """Whether it quotes a workflow of the repository."""
        return self.title.startswith("flows/") and (REPOSITORY / self.title).exists()

    @property
    def runs(self) -> bool:
        """Whether it is run rather than written or shown."""
        return self.language == "bash" or (self.language == "python" and not self.title)

    @property
    def starts_prefect(self) -> bool:
        """Whether it starts a Prefect server."""
        return self.language == "bash" and any(
            line.startswith("kaon run") and "--backend local" not in line for line in self.text.splitlines()
        )

    @property
    def exits_with(self) -> int:
        """The exit code that it says it has."""
        said = re.search(r"# exits with (\d+)", self.text)
        return int(said[1]) if said and self.language == "bash" else 0

    def __str__(self) -> str:
        return f"line {self.line}: {self.text.partition(chr(10))[0]}"


def blocks_of(page: str) -> tuple[Block, ...]:
    """Return the blocks of a page, in order."""
    found = list(FENCED.finditer(page))
    following = [*found[1:], None]
    return tuple(
        Block(
            language=match[1],
            text=match[2],
            line=page.count("\n", 0, match.start()) + 1,
            shows=after[2] if after and after[1] == "text" and match[1] != "text" else None,
        )
        for match, after in zip(found, following, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Printed:
    """What a block came to."""

    code: int
    output: str


@dataclass(slots=True)
class Walk:
    """A reader who does what the page shows, in its order, in an empty folder."""

    folder: Path
    _results: dict[int, Printed] = field(default_factory=dict)

    def result(self, blocks: tuple[Block, ...], wanted: Block) -> Printed:
        """Return what a block came to, after all that stand before it.

        Earlier blocks that start Prefect are left out unless they were asked for: none of the others needs them.
        """
        for block in blocks[: blocks.index(wanted) + 1]:
            if block.title and not block.quotes:
                self._write(block)
            elif block.runs and block.line not in self._results and (block is wanted or not block.starts_prefect):
                self._results[block.line] = self._run(block)
        return self._results[wanted.line]

    def _write(self, block: Block) -> None:
        path = self.folder / block.title
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
        if path.name == "pyproject.toml":
            self._install(tomllib.loads(block.text)["project"])

    def _install(self, project: dict[str, object]) -> None:
        metadata = self.folder / f"{project['name']}-{project['version']}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        groups = project["entry-points"]
        assert isinstance(groups, dict)
        (metadata / "entry_points.txt").write_text(
            "".join(
                f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
                for group, points in groups.items()
            )
        )

    def _run(self, block: Block) -> Printed:
        command = ["bash", "-euo", "pipefail", "-c"] if block.language == "bash" else [sys.executable, "-c"]
        unset = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "FORCE_COLOR", "KAON_REQUIRE", "PYTEST_ADDOPTS")
        environment = {name: value for name, value in os.environ.items() if name not in unset}
        environment |= {
            "KAON_HOME": str(self.folder / ".kaon"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "100",
            "PYTHONUNBUFFERED": "1",
        }
        ended = subprocess.run(
            [*command, block.text],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        return Printed(ended.returncode, ended.stdout)


def without_differences(text: str) -> str:
    """Return the text without what differs from run to run.

    >>> without_differences("fit  completed in 12 ms  ")
    'fit completed in TIME'
    """
    for pattern, name in DIFFERS:
        text = pattern.sub(name, text)
    return text


def is_shown(shown: str, printed: str) -> bool:
    r"""Say whether a page shows what was printed; a line `…` stands for any lines.

    >>> is_shown("run 1\n…\ndone\n", "run 1\nfit\ndone\n")
    True
    """
    lines = without_differences(shown).strip("\n").split("\n")
    pattern = "".join(r"(?:.*\n)*" if line.strip() == "…" else re.escape(line) + "\n" for line in lines)
    return re.fullmatch(pattern, without_differences(printed).strip("\n") + "\n") is not None
