"""The options of spark-submit. Secrets are handed over in a file: a command line can be read by everybody here."""

from collections.abc import Iterator
from pathlib import Path

from ...secrets import Secret
from ..environment import Variables
from .installation import Installation


def options(spark: Installation, master: str, main_class: str, conf: Variables, folder: Path) -> list[str]:
    """Return the options that submit with a configuration.

    folder: takes the file of secrets, which only this user can read. Raises MissingSecret.
    """
    plain = [f"{name}={value}" for name, value in conf.items() if isinstance(value, str)]
    hidden = {name: value.reveal() for name, value in conf.items() if isinstance(value, Secret)}
    chosen = ["--master", master, *(word for pair in plain for word in ("--conf", pair))]
    if main_class:
        chosen += ["--class", main_class]
    if hidden:
        path = folder / "secrets.properties"
        path.touch(mode=0o600)
        path.write_text("".join(f"{name} {_property(value)}\n" for name, value in hidden.items()), encoding="ascii")
        chosen += ["--properties-file", str(path)]
        if spark.loads_defaults_beside_properties:
            chosen.append("--load-spark-defaults")
    return chosen


def _property(value: str) -> str:
    r"""Return a value as a Java properties file writes it.

    >>> _property("a\\b é")
    'a\\\\b \\u00e9'
    """
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return "".join(letter if ord(letter) < 127 else "".join(_units(letter)) for letter in escaped)


def _units(letter: str) -> Iterator[str]:
    raw = letter.encode("utf-16-be")
    for place in range(0, len(raw), 2):
        yield f"\\u{raw[place]:02x}{raw[place + 1]:02x}"
