"""A command as a step: words with `{placeholders}`, and the files that it reads and writes."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePath
from typing import Any

PLACEHOLDER = re.compile(r"\{(\{[A-Za-z_]\w*\})\}|(?<!\$)\{([A-Za-z_]\w*)\}")
"""`{name}`; and `{{name}}`, which stands for the text `{name}`. All other braces are the program's own."""
VALUE = "KAON_VALUE_"
"""What the variables begin with by which a shell is given the values of placeholders."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a step runs instead of a function."""

    words: tuple[str, ...]
    """The program and its arguments; for a shell, one text."""
    shell: bool = False
    """Whether /bin/sh reads the text; values reach it as variables, so that it never parses them."""
    formats: tuple[tuple[str, str], ...] = ()
    """(input or output, the suffix of its file), where it is not its kind's own."""
    files: tuple[tuple[str, bytes], ...] = ()
    """(name, content) of the scripts it uses, as they were when the workflow was built; it finds them where it runs."""

    @property
    def placeholders(self) -> frozenset[str]:
        """The names that its words stand for values of."""
        found = (match.group(2) for word in self.words for match in PLACEHOLDER.finditer(word))
        return frozenset(name for name in found if name)

    @property
    def called(self) -> str:
        """What a step is called that runs it: as its first script, else as its program.

        >>> Command(("Rscript", "fit-regions.R"), files=(("fit-regions.R", b""),)).called
        'fit_regions'
        """
        words = [word for text in self.words for word in text.split()]
        scripts = [word for word in words if word in dict(self.files)]
        stem = PurePath([*scripts, *words][0]).name.partition(".")[0]
        return re.sub(r"\W", "_", stem)

    def decides(self) -> dict[str, Any]:
        """Return what decides what it makes, as JSON."""
        files = {name: sha256(content).hexdigest() for name, content in self.files}
        return {"words": self.words, "shell": self.shell, "formats": dict(self.formats), "files": files}

    def filled(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the program and its arguments, with the values of the placeholders.

        >>> Command(("Rscript", "fit.R", "--out={model}")).filled({"model": "/out/a b.rds"})
        ('Rscript', 'fit.R', '--out=/out/a b.rds')
        """
        if self.shell:
            return ("/bin/sh", "-c", _for_shell(self.words[0]))
        return tuple(PLACEHOLDER.sub(lambda found: _value(found, values), word) for word in self.words)

    def variables(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the variables by which a shell is given the values; none without a shell."""
        return {f"{VALUE}{name}": values[name] for name in self.placeholders} if self.shell else {}

    def __str__(self) -> str:
        return self.words[0] if self.shell else " ".join(map(_written, self.words))


def command_of(command: str | Sequence[str], *, shell: bool) -> tuple[str, ...]:
    """Return the words of a command.

    Raises ValueError if it cannot be split, or if a shell would not fill a placeholder.
    """
    if not shell:
        words = tuple(shlex.split(command) if isinstance(command, str) else command)
        if not words or not all(isinstance(word, str) for word in words):
            raise ValueError(f"{command!r} is no program with its arguments\nwrite it as a text or a list of texts")
        return words
    text = command if isinstance(command, str) else shlex.join(command)
    _for_shell(text)
    return (text,)


def _written(word: str) -> str:
    """Return a word as one would write it: quoted where something besides placeholders asks for that."""
    bare = PLACEHOLDER.sub("x", word)
    return word if shlex.quote(bare) == bare else shlex.quote(word)


def _value(found: re.Match[str], values: Mapping[str, str]) -> str:
    escaped, name = found.groups()
    return str(escaped) if escaped else values[name]


def _for_shell(text: str) -> str:
    """Return the text with variables in place of placeholders, quoted where they are not.

    >>> _for_shell('sort {table} > "{sorted}"')
    'sort "${KAON_VALUE_table}" > "${KAON_VALUE_sorted}"'
    """
    filled, position, quote = "", 0, ""
    for found in PLACEHOLDER.finditer(text):
        filled += text[position : found.start()]
        quote = _quote_after(text[position : found.start()], quote)
        position = found.end()
        escaped, name = found.groups()
        if escaped:
            filled += escaped
        elif quote == "'":
            raise ValueError(
                f"{found.group(0)} stands in single quotes, where a shell looks at no variable\nuse double quotes"
            )
        else:
            variable = f"${{{VALUE}{name}}}"
            filled += variable if quote else f'"{variable}"'
    return filled + text[position:]


def _quote_after(text: str, quote: str) -> str:
    """Return the quote that is open after a text, if one was open before it."""
    escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
    return quote
